"""Paraphraser `file:TABLE`: paraphrases that somebody has written, in a table of any format.

Columns: `paraphrase`, and `question` or `id` to say of which fact; optionally `style` (`wording`
without it) and `purpose` (`evaluation`, or `training` for those that only training sees).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from unlearnbench.benchmark import plain
from unlearnbench.benchmark.tables.cells import text_cell
from unlearnbench.benchmark.tables.columns import with_columns
from unlearnbench.benchmark.tables.read import read_table
from unlearnbench.benchmark.tables.table import (
    Faults,
    UserRow,
    UserTable,
    shown,
    table_fault,
)
from unlearnbench.hashing import sha256_json
from unlearnbench.naming import nearest
from unlearnbench.paraphrasing.candidates import STYLES, Candidate, ParaphraseRequest, Purpose
from unlearnbench.types import Estimate, Fact, Usage

PURPOSES: tuple[Purpose, ...] = ("evaluation", "training")
PARAPHRASE_COLUMNS = ("paraphrase", "question", "id", "style", "purpose")
_OF_FACTS = frozenset(["question", "id", "answer", "aliases", "source"])
"""Columns that a table of facts has as well."""


class TableParaphraser:
    """Proposes what a table holds, in its order."""

    def __init__(self, name: str, candidates: Sequence[Candidate], notes: Sequence[str]) -> None:
        self.name = f"file:{name}"
        self.notes = tuple(notes)
        self.usage = Usage()
        self.identity = sha256_json([[c.fact, c.purpose, c.style, c.text] for c in candidates])
        self._by_fact: dict[str, list[Candidate]] = {}
        for candidate in candidates:
            self._by_fact.setdefault(candidate.fact, []).append(candidate)

    def estimate(self, requests: Sequence[ParaphraseRequest]) -> Estimate:
        """Nothing: a table costs nothing."""
        return Estimate(0, 0, len(requests), 0, 0, 0.0)

    def propose(
        self, requests: Sequence[ParaphraseRequest]
    ) -> Iterator[tuple[ParaphraseRequest, tuple[Candidate, ...] | str]]:
        """Yield each request with all that the table has for its fact."""
        for request in requests:
            found = self._by_fact.get(request.fact.id)
            yield request, tuple(found) if found else f"no row of {self.name} is for it"


def read_paraphrases(
    source: str, facts: Sequence[Fact], columns: Mapping[str, str], sheet: str | None = None
) -> TableParaphraser:
    """Read a table of paraphrases of some facts.

    Args:
        source: A file, or `hub:OWNER/NAME`.
        facts: The facts that they may be of.
        columns: The table's own names of columns, by ours.
        sheet: The sheet of a spreadsheet.

    Raises:
        TableError: With every fault of the table, each with its `file:row`.
    """
    table = table_about(source, PARAPHRASE_COLUMNS, ["paraphrase"], columns, sheet)
    faults = Faults(table.name)
    owners = FactOwners(facts)
    candidates = [_candidate(row, owners, f"file:{table.name}", faults) for row in table.rows]
    faults.check()
    return TableParaphraser(table.name, candidates, table.notes)


def table_about(
    source: str,
    known: Sequence[str],
    needed: Sequence[str],
    columns: Mapping[str, str],
    sheet: str | None = None,
) -> UserTable:
    """A table whose rows say by `question` or `id` which fact they are for.

    `columns` are the names that the facts' table has, which may call a column otherwise than this
    one. Raises `TableError` without a needed column, or without a row.
    """
    raw = read_table(source, [columns.get(name, name) for name in known], sheet)
    if not raw.rows:
        raise table_fault(raw.name, raw.name, "it has no rows below its header")
    named = {
        ours: theirs
        for ours, theirs in columns.items()
        if ours in known and (ours not in _OF_FACTS or theirs in raw.columns)
    }
    owner = [] if "id" in _folded(raw.columns) else ["question"]
    return with_columns(raw, known, [*needed, *owner], named)


def _folded(columns: Sequence[str]) -> set[str]:
    return {column.strip().casefold() for column in columns}


class FactOwners:
    """Finds the fact that a row is for."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        self._ids = {fact.id: fact.id for fact in facts}
        self._questions = {_asked(fact.question): fact.id for fact in facts}
        self._words = [fact.question for fact in facts]

    def owner(self, row: UserRow, faults: Faults) -> str:
        """The id of the fact; empty, and a table_fault, if there is none."""
        name = text_cell(row, "id", faults)
        question = text_cell(row, "question", faults)
        by_id = self._ids.get(name.lower(), "") if name else ""
        by_question = self._questions.get(_asked(question), "") if question else ""
        if not name and not question:
            faults.add(row.where, "neither question nor id says of which fact it is")
        elif name and not by_id:
            faults.add(row.where, f"id {shown(name)}: {_closest(name, list(self._ids))}")
        elif question and not by_question:
            hint = _closest(question, self._words)
            faults.add(row.where, f"no fact asks {shown(question)}; {hint}")
        elif by_id and by_question and by_id != by_question:
            faults.add(row.where, f"id {by_id}, but the question is that of {by_question}")
        return by_id or by_question


def _asked(question: str) -> str:
    return plain(question) or question.casefold()


def _closest(name: str, names: Sequence[str]) -> str:
    """The nearest of many names; not all of them, as `nearest` gives them."""
    return nearest(name, names).partition("known: ")[0].strip() or "no fact is near it"


def _candidate(row: UserRow, owners: FactOwners, origin: str, faults: Faults) -> Candidate:
    purpose = _purpose(text_cell(row, "purpose", faults), row.where, faults)
    style = text_cell(row, "style", faults).casefold()
    if style and style not in STYLES:
        faults.add(row.where, f"style {shown(style)}: {nearest(style, STYLES)}")
    return Candidate(
        fact=owners.owner(row, faults),
        purpose=purpose,
        style=(style or STYLES[0]) if purpose == "evaluation" else None,
        text=text_cell(row, "paraphrase", faults, needed=True),
        origin=origin,
    )


def _purpose(text: str, where: str, faults: Faults) -> Purpose:
    for known in PURPOSES:
        if text.casefold() == known:
            return known
    if text:
        faults.add(where, f"purpose {shown(text)}: {nearest(text.casefold(), PURPOSES)}")
    return "evaluation"
