"""What a model unlearnt on WMDP is to keep: choice questions of MMLU, or of a file beside WMDP's.

WMDP has no questions to keep. A file `retain.jsonl` (or another suffix)
has columns `question`, `choices`, `answer` and optionally `subject`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from unlearnbench.benchmark.choices.questions import PosedQuestion, posed
from unlearnbench.benchmark.choices.rows import lettered_questions
from unlearnbench.benchmark.choices.sources import MMLU, ChoiceSource, load_choices
from unlearnbench.benchmark.clones import SUFFIXES
from unlearnbench.benchmark.hub import load_table
from unlearnbench.benchmark.wmdp import WmdpPart, check_columns
from unlearnbench.errors import BenchmarkError
from unlearnbench.naming import nearest

RETAIN = "retain"
SUBJECTS: Mapping[WmdpPart, tuple[str, ...]] = {
    "bio": ("college_biology", "high_school_biology"),
    "chem": ("college_chemistry", "high_school_chemistry"),
    "cyber": ("college_computer_science", "high_school_computer_science"),
}
"""Subjects of MMLU near each part: its science, without what the part is about."""
Retained = tuple[tuple[PosedQuestion, ...], str]
"""Questions to keep, and where they are from, with revision."""


def load_retained(source: str, parts: Sequence[WmdpPart], subjects: Sequence[str]) -> Retained:
    """The questions to keep: those of `subjects`, else all of a file, or of MMLU's nearest.

    Raises `BenchmarkError` if there is no such file or subject, or a row is damaged.
    """
    if source != "hub":
        return _beside(Path(source).expanduser(), subjects)
    chosen = tuple(subjects) or tuple(subject for part in parts for subject in SUBJECTS[part])
    try:
        found = load_choices(f"mmlu:{','.join(chosen)}", ChoiceSource())
    except BenchmarkError as error:
        if error.rule == "unknown-subject":
            what = f"{', '.join(chosen)}: not all of them are subjects of {MMLU}; see its page"
            raise BenchmarkError(error.rule, "--benchmark wmdp-…:SUBJECT", what) from error
        if error.rule == "hub-unreachable":
            what = f"offline, give --source FOLDER with WMDP's tables and {RETAIN}.jsonl"
            raise BenchmarkError(error.rule, MMLU, what) from error
        raise
    return found.rows, found.source


def _beside(folder: Path, subjects: Sequence[str]) -> Retained:
    if not any((folder / f"{RETAIN}{suffix}").is_file() for suffix in SUFFIXES):
        what = (
            f"WMDP has no questions to keep; put choice questions there as {RETAIN}.jsonl, with "
            "columns question, choices, answer and optionally subject"
        )
        raise BenchmarkError("missing-file", f"{folder}/{RETAIN}.jsonl", what)
    table = load_table(str(folder), "", None, RETAIN)
    check_columns(table, RETAIN)
    questions = lettered_questions(table.rows, {}, RETAIN)
    have = {question.subject for question in questions if question.subject}
    for subject in subjects:
        if subject not in have:
            what = f"{subject!r} is no subject in {RETAIN}; {nearest(subject, have)}"
            raise BenchmarkError("unknown-subject", "--benchmark wmdp-…:SUBJECT", what)
    rows = posed(questions, [()] * len(questions))
    kept = tuple(row for row in rows if not subjects or row.question.subject in subjects)
    return kept, f"{RETAIN}@{table.revision}"
