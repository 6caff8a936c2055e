"""RWKU (arXiv 2406.10890): `jinzhuoran/RWKU` from the hub, or files of the same columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

from unlearnbench.benchmark.clones import SUFFIXES
from unlearnbench.benchmark.hub import Table, column, load_table
from unlearnbench.benchmark.rwku_subjects import chosen_subjects
from unlearnbench.benchmark.slugs import spelling_key
from unlearnbench.errors import BenchmarkError
from unlearnbench.hashing import sha256_json

RWKU = "jinzhuoran/RWKU"
HUB_SPLIT = "test"
Level = Literal[
    "forget_level1", "forget_level2", "forget_level3", "neighbor_level1", "neighbor_level2"
]
"""Tables of questions: 1 has a blank to fill, 2 asks, 3 attacks."""
Membership = Literal["mia_forget", "mia_retain"]
"""Tables of texts, about the subjects and about others."""
LEVELS: tuple[Level, ...] = (
    "forget_level1",
    "forget_level2",
    "forget_level3",
    "neighbor_level1",
    "neighbor_level2",
)
TEXTS: tuple[Membership, ...] = ("mia_forget", "mia_retain")
_FOLDER_NAMES = {"mia_forget": "forget_mia", "mia_retain": "retain_mia"}
"""What the authors' own script calls these two."""


@dataclass(frozen=True, slots=True)
class RwkuRow:
    """One question; `kind` is the column `type`, in level 3 the kind of attack.

    `number` counts the rows of its table from 1.
    """

    query: str
    answer: str
    kind: str
    subject: str
    number: int


@dataclass(frozen=True, slots=True)
class RwkuText:
    """A text for membership inference, and the subject by which it was chosen."""

    text: str
    subject: str


@dataclass(frozen=True, slots=True)
class RwkuTables:
    """The rows of the chosen subjects, by table and in its order.

    `asked` are the questions of all subjects, chosen or not. `fingerprint` covers the tables and
    the choice.
    """

    subjects: tuple[str, ...]
    questions: Mapping[Level, tuple[RwkuRow, ...]]
    texts: Mapping[Membership, tuple[RwkuText, ...]]
    asked: frozenset[str]
    fingerprint: str


_Row = TypeVar("_Row", RwkuRow, RwkuText)


def load_rwku(source: str, subjects: Sequence[str], texts: bool = False) -> RwkuTables:
    """Load the questions about `subjects` (none named: all of them), and with `texts` the texts
    for membership inference.

    `source` is `hub`, or a folder with a file for each table. Raises `BenchmarkError` if a table, a
    column or a subject is missing.
    """
    tables = {name: _load(source, name) for name in LEVELS}
    rows = {name: _questions(name, table) for name, table in tables.items()}
    passages = {name: _load(source, name) for name in (TEXTS if texts else ())}
    known: dict[str, str] = {}
    for row in (row for name in LEVELS for row in rows[name]):
        known.setdefault(spelling_key(row.subject), row.subject)
    chosen = chosen_subjects(subjects, list(known.values()))
    revisions = {name: table.revision for name, table in (*tables.items(), *passages.items())}
    return RwkuTables(
        subjects=chosen,
        questions={name: _about(chosen, rows[name]) for name in LEVELS},
        texts={name: _about(chosen, _passages(name, t)) for name, t in passages.items()},
        asked=frozenset(row.query for name in LEVELS for row in rows[name]),
        fingerprint=sha256_json(["rwku", revisions, list(chosen)]),
    )


def _about(subjects: Sequence[str], rows: Iterable[_Row]) -> tuple[_Row, ...]:
    """The rows about `subjects`, however a row spells the name: what is left out cannot leak."""
    spelt = {spelling_key(subject): subject for subject in subjects}
    keyed = ((spelling_key(row.subject), row) for row in rows)
    return tuple(replace(row, subject=spelt[key]) for key, row in keyed if key in spelt)


def _load(source: str, name: str) -> Table:
    """A table, in a folder under either of its names; in a clone its tables lie in `All`."""
    folder = Path(source).expanduser()
    if source != "hub" and (folder / "All").is_dir() and not _beside(folder, name):
        folder = folder / "All"
        source = str(folder)
    other = _FOLDER_NAMES.get(name, name)
    table = load_table(source, RWKU, name, other if _beside(folder, other) else name, HUB_SPLIT)
    if not table.rows:
        raise BenchmarkError("missing-rows", name, "the table is empty")
    return table


def _beside(folder: Path, name: str) -> bool:
    return any((folder / f"{name}{suffix}").is_file() for suffix in SUFFIXES)


def _questions(name: Level, table: Table) -> list[RwkuRow]:
    rows = []
    for number, row in enumerate(table.rows, start=1):
        where = f"{name} row {number}"
        if str(row.get("level", name[-1])).removesuffix(".0") != name[-1]:
            what = f"its level is {row['level']!r}: it belongs to another table"
            raise BenchmarkError("other-level", where, what)
        attack = name == "forget_level3"
        kind = column(table, row, "type", where) if attack else str(row.get("type") or "")
        query = column(table, row, "query", where)
        answer = column(table, row, "answer", where)
        if not any(map(str.isalnum, answer)):
            what = f"answer {answer!r} has no letter or digit: nothing could be recalled"
            raise BenchmarkError("empty-answer", where, what)
        rows.append(RwkuRow(query, answer, kind, column(table, row, "subject", where), number))
    return rows


def _passages(name: Membership, table: Table) -> list[RwkuText]:
    located = [(f"{name} row {number}", row) for number, row in enumerate(table.rows, start=1)]
    return [
        RwkuText(column(table, row, "text", where), column(table, row, "subject", where))
        for where, row in located
    ]
