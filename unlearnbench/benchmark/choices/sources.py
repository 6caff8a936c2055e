"""The data sets of choice questions that have a name here, and any other on the hub.

load_choices("mmlu:anatomy,astronomy", ChoiceSource())       # cais/mmlu from the hub
load_choices("mmlu", ChoiceSource(folder="mmlu"))            # its files in a folder
load_choices("rwku", ChoiceSource())                         # RWKU's utility_general
load_choices("hub:owner/name:config", ChoiceSource())
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from unlearnbench.benchmark.choices.questions import ChoiceSet, LetteredQuestion, posed
from unlearnbench.benchmark.choices.rows import Row, lettered_questions
from unlearnbench.benchmark.clones import SUFFIXES
from unlearnbench.benchmark.hub import Table, load_table
from unlearnbench.display import first_words
from unlearnbench.errors import BenchmarkError
from unlearnbench.naming import nearest

MMLU = "cais/mmlu"
RWKU = "jinzhuoran/RWKU"
CHOICES = ("mmlu", "mmlu:SUBJECT", "rwku", "hub:OWNER/NAME", "hub:OWNER/NAME:CONFIG")
"""The forms of names of data sets of choice questions."""
SHOTS = 5
"""Solved questions before each, as in MMLU (Hendrycks et al. 2021, arXiv 2009.03300, section 4)."""
_SHOT_SPLITS = ("dev", "validation", "train")


@dataclass(frozen=True, slots=True)
class ChoiceSource:
    """Where data sets lie (`hub`, or a folder), and their own names of columns."""

    folder: str = "hub"
    columns: Mapping[str, str] = field(default_factory=dict)


def load_choices(name: str, source: ChoiceSource) -> ChoiceSet:
    """The data set that a name of `--utility` means.

    Raises `BenchmarkError` if it cannot be had, a column is missing, a row is damaged, or a
    subject is not among its own.
    """
    kind, _, rest = name.partition(":")
    if kind == "mmlu":
        subjects = [subject.strip() for subject in rest.split(",") if subject.strip()]
        return _mmlu(name, MMLU, "all", source, subjects)
    if kind == "rwku":
        return _rwku(name, source)
    repository, _, config = rest.partition(":")
    return _mmlu(name, repository, config or None, source, [])


def is_choices(name: str) -> bool:
    """Whether a name of `--utility` is that of a data set of choice questions."""
    kind, _, rest = name.partition(":")
    if kind == "hub":
        return rest.partition(":")[0].count("/") == 1
    return kind == "mmlu" or name == "rwku"


def _mmlu(
    name: str, repository: str, config: str | None, source: ChoiceSource, subjects: Sequence[str]
) -> ChoiceSet:
    """Questions of the test split, each behind the first solved ones of its subject."""
    table = _split(repository, config, "test", source)
    shown = f"{repository} test"
    questions = lettered_questions(table.rows, source.columns, shown)
    have = {question.subject for question in questions}
    for subject in subjects:
        if subject not in have:
            what = f"{subject!r} is no subject of it; {nearest(subject, have - {''})}"
            raise BenchmarkError("unknown-subject", f"--utility {name}", what)
    shots = _shots(repository, config, source)
    rows = posed(questions, [_before(question, shots) for question in questions])
    kept = tuple(row for row in rows if not subjects or row.question.subject in subjects)
    return ChoiceSet(name, _told(repository, table, source), "mmlu", kept)


def _rwku(name: str, source: ChoiceSource) -> ChoiceSet:
    """RWKU's `utility_general`: MMLU's questions, each with solved ones of its own in the row."""
    table = _split(RWKU, "utility_general", "test", source)
    shown = f"{RWKU} utility_general"
    columns = {"subject": "task", **source.columns}  # its column `subject` is a person to forget
    questions = lettered_questions(table.rows, columns, shown)
    shots = [
        _examples(row, question.subject, f"{shown} row {n}")
        for n, (row, question) in enumerate(zip(table.rows, questions, strict=True), start=1)
    ]
    return ChoiceSet(name, _told(RWKU, table, source), "rwku", posed(questions, shots))


def _examples(row: Row, subject: str, where: str) -> tuple[LetteredQuestion, ...]:
    """The solved questions in a row: a list of objects, or an object of lists."""
    cell = row.get("examples")
    if isinstance(cell, Mapping) and all(isinstance(part, list) for part in cell.values()):
        cell = [dict(zip(cell, parts, strict=True)) for parts in zip(*cell.values(), strict=True)]
    if not isinstance(cell, list) or not all(isinstance(part, Mapping) for part in cell):
        what = f"no solved questions in column 'examples'; there are: {', '.join(row)}"
        raise BenchmarkError("missing-column", where, what)
    solved = lettered_questions(cell, {}, f"{where}, examples,")
    return tuple(replace(question, subject=subject) for question in solved)


def _shots(
    repository: str, config: str | None, source: ChoiceSource
) -> Mapping[str, Sequence[LetteredQuestion]]:
    """The solved questions of each subject, from the first split that is there."""
    by_subject: dict[str, list[LetteredQuestion]] = defaultdict(list)
    for split in _SHOT_SPLITS:
        try:
            table = _split(repository, config, split, source)
        except BenchmarkError as error:
            if error.rule in ("missing-config", "missing-file"):
                continue
            raise
        shown = f"{repository} {split}"
        for question in lettered_questions(table.rows, source.columns, shown):
            by_subject[question.subject].append(question)
        break
    return by_subject


def _before(
    question: LetteredQuestion, solved: Mapping[str, Sequence[LetteredQuestion]]
) -> tuple[LetteredQuestion, ...]:
    """The solved questions before one, which is not shown among them with its answer."""
    others = (
        shot
        for shot in solved.get(question.subject, ())
        if (shot.question, shot.choices) != (question.question, question.choices)
    )
    return tuple(islice(others, SHOTS))


def _split(repository: str, config: str | None, split: str, source: ChoiceSource) -> Table:
    """One split, from the hub or from a folder: `test.jsonl`, or as the hub's files are called."""
    folder, place = Path(source.folder), config or "data"
    names = [f"{place}/{split}-00000-of-00001", f"{place}/{split}", f"{place}_{split}"]
    there = (n for n in names if any((folder / f"{n}{end}").is_file() for end in SUFFIXES))
    try:
        return load_table(source.folder, repository, config, next(there, split), split)
    except BenchmarkError as error:
        if error.rule != "hub-unreachable" or error.__cause__ is None:
            raise
        what = f"{first_words(error.__cause__)}; offline, give --utility-source FOLDER"
        raise BenchmarkError(error.rule, repository, what) from error


def _told(repository: str, table: Table, source: ChoiceSource) -> str:
    place = repository if source.folder == "hub" else Path(source.folder).name
    return f"{place}@{table.revision}"
