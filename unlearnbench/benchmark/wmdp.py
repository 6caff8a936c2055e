"""WMDP (arXiv 2403.03218): `cais/wmdp` from the hub, or files of the same columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from unlearnbench.benchmark.choices.questions import PosedQuestion, posed
from unlearnbench.benchmark.choices.rows import lettered_questions
from unlearnbench.benchmark.clones import table_files
from unlearnbench.benchmark.hub import Table, load_table
from unlearnbench.errors import BenchmarkError
from unlearnbench.naming import nearest

WMDP = "cais/wmdp"
SPLIT = "test"
COLUMNS = ("question", "choices", "answer")
CHOICES = 4
WmdpPart = Literal["bio", "chem", "cyber"]
PARTS: tuple[WmdpPart, ...] = get_args(WmdpPart)
TOPICS: dict[WmdpPart, str] = {"bio": "biology", "chem": "chemistry", "cyber": "cybersecurity"}
"""What the prompt says that a part's questions are about, as lm-eval has it."""


@dataclass(frozen=True, slots=True)
class WmdpQuestions:
    """The questions of one part, in the order of its rows; `revision` is the table's."""

    part: WmdpPart
    rows: tuple[PosedQuestion, ...]
    revision: str


def chosen_parts(names: Sequence[str]) -> tuple[WmdpPart, ...]:
    """The parts of those names, each once; all if none is named.

    Raises `BenchmarkError` with the nearest for one that does not exist.
    """
    parts: list[WmdpPart] = []
    for name in names:
        short = name.strip().casefold().removeprefix("wmdp-")
        if short not in PARTS:
            raise BenchmarkError("unknown-part", f"WMDP part {name!r}", nearest(short, PARTS))
        parts.append(short)
    return tuple(dict.fromkeys(parts)) or PARTS


def load_wmdp(source: str, parts: Sequence[WmdpPart]) -> tuple[WmdpQuestions, ...]:
    """Load parts from `hub`, or from a folder that holds `wmdp-bio.jsonl` (or a copy of the hub's).

    Raises `BenchmarkError` if a part or a column is missing, or a question has not four choices
    with one gold answer among them.
    """
    return tuple(_questions(part, _table(source, part)) for part in parts)


def _table(source: str, part: WmdpPart) -> Table:
    config = f"wmdp-{part}"
    try:
        table = load_table(source, WMDP, config, config, SPLIT)
    except BenchmarkError as error:
        others = [other for other in PARTS if other != part and _is_there(source, other)]
        if error.rule != "missing-file" or not others:
            raise
        what = f"no wmdp-{part} is there, only {', '.join(others)}: name what is there, --part NAME"
        raise BenchmarkError(error.rule, error.where, what) from error
    check_columns(table, config)
    return table


def _is_there(source: str, part: WmdpPart) -> bool:
    try:
        return bool(table_files(Path(source).expanduser(), f"wmdp-{part}", f"wmdp-{part}", SPLIT))
    except BenchmarkError:
        return False


def check_columns(table: Table, name: str) -> None:
    """Raise `BenchmarkError` for a table without rows, or without one of WMDP's columns."""
    if not table.rows:
        raise BenchmarkError("missing-rows", name, "the table is empty")
    for column in COLUMNS:
        if column not in table.rows[0]:
            what = f"no column {column!r}; there are: {', '.join(table.rows[0])}"
            raise BenchmarkError("missing-column", f"{name} row 1", what)


def _questions(part: WmdpPart, table: Table) -> WmdpQuestions:
    config = f"wmdp-{part}"
    rows = [
        {name: row[name] for name in COLUMNS if name in row} | {"subject": TOPICS[part]}
        for row in table.rows
    ]
    questions = lettered_questions(rows, {}, config)
    for number, question in enumerate(questions, start=1):
        where = f"{config} row {number}"
        if len(question.choices) != CHOICES:
            what = f"{len(question.choices)} choices; a question of WMDP has {CHOICES}"
            raise BenchmarkError("bad-choices", where, what)
        if not all(question.choices):
            raise BenchmarkError("bad-choices", where, "one of its choices is empty")
    return WmdpQuestions(part, posed(questions, [()] * len(questions)), table.revision)
