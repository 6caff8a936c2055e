"""Indirect questions that a user has written, in a table of any format.

Columns: `indirect` (what is asked), `answer`, and `question` or `id` to say from which fact it
follows; optionally `aliases` and `source` (`TITLE | CLAIM`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unlearnbench.authoring.answers import AnswerRules, check_gold_answer, check_judged
from unlearnbench.authoring.facts import source_of
from unlearnbench.authoring.proposed.found_indirect import FoundIndirect, IndirectDoubt
from unlearnbench.authoring.proposed.indirect_rules import IndirectRules
from unlearnbench.benchmark import plain
from unlearnbench.benchmark.indirect import MOST_INDIRECT, asked_elsewhere, indirect_faults
from unlearnbench.benchmark.schema import IndirectRow, SourceRow
from unlearnbench.benchmark.tables.cells import list_cell, text_cell
from unlearnbench.benchmark.tables.table import Faults, UserRow
from unlearnbench.paraphrasing.table import FactOwners, table_about
from unlearnbench.types import Fact

INDIRECT_COLUMNS = ("indirect", "answer", "question", "id", "aliases", "source")
_NEEDED = ("indirect", "answer")
_MOST_LETTERS = 2_000


@dataclass(frozen=True, slots=True)
class IndirectTable:
    """The rows of a table, none of which breaks a rule; `notes`: what was noted on the way."""

    name: str
    rows: tuple[IndirectRow, ...]
    notes: tuple[str, ...]


def read_indirect_table(
    source: str, facts: Sequence[Fact], columns: Mapping[str, str], rules: AnswerRules
) -> IndirectTable:
    """Read a table of indirect questions about some facts.

    Args:
        source: A file, or `hub:OWNER/NAME`.
        facts: The user's facts.
        columns: The names of columns in the facts' table, by ours.
        rules: What the benchmark's judge can hold.

    Raises:
        TableError: With every fault of the table, each with its `file:row`.
    """
    table = table_about(source, INDIRECT_COLUMNS, _NEEDED, columns)
    faults = Faults(table.name)
    owners, by_id = FactOwners(facts), {fact.id: fact for fact in facts}
    asked, counts = asked_elsewhere(facts, ()), Counter[str]()
    rows = []
    for row in table.rows:
        fact = by_id.get(owners.owner(row, faults))
        read = _row(row, fact, table.name, faults)
        if fact is None or read is None:
            continue
        _check(read, fact, asked, row.where, rules, faults)
        asked.setdefault(plain(read.question), row.where)
        counts[fact.id] += 1
        if counts[fact.id] == MOST_INDIRECT + 1:
            what = f"{fact.id} has more than {MOST_INDIRECT} indirect questions; drop the others"
            faults.add(row.where, what)
        rows.append(read)
    faults.check()
    return IndirectTable(table.name, tuple(rows), table.notes)


def checked_rows(
    table: IndirectTable, facts: Sequence[Fact], rules: IndirectRules
) -> FoundIndirect:
    """The rows of a table: kept, or left for a person where something speaks against them."""
    by_id = {fact.id: fact for fact in facts}
    kept: list[IndirectRow] = []
    doubtful = []
    for row in table.rows:
        fact = by_id[row.fact]
        doubts = rules.doubts(row, fact, [other for other in kept if other.fact == row.fact])
        if doubts:
            doubtful.append(IndirectDoubt(fact, row, doubts, table.name))
        else:
            kept.append(row)
            rules.note(row)
    return FoundIndirect(tuple(kept), tuple(doubtful))


def _row(row: UserRow, fact: Fact | None, table: str, faults: Faults) -> IndirectRow | None:
    """A row as it will stand in the benchmark; None, and a fault, where a cell is empty."""
    question = text_cell(row, "indirect", faults, needed=True)
    answer = text_cell(row, "answer", faults, needed=True)
    aliases = list_cell(row, "aliases", faults)
    source = source_of(text_cell(row, "source", faults), answer)
    if fact is None or not question or not answer:
        return None
    return IndirectRow(
        fact=fact.id,
        question=question,
        answer=answer,
        aliases=[alias for alias in aliases if alias != answer],
        source=SourceRow(
            title=source.title if source else table, claim=source.claim if source else answer
        ),
    )


def _check(
    row: IndirectRow,
    fact: Fact,
    asked: Mapping[str, str],
    where: str,
    rules: AnswerRules,
    faults: Faults,
) -> None:
    if fact.split != "forget":
        what = f"{fact.id} is a {fact.split} fact; only what is to be forgotten is asked indirectly"
        faults.add(where, what)
    if len(row.question) > _MOST_LETTERS:
        what = f"a question of {len(row.question)} letters; {_MOST_LETTERS} are taken"
        faults.add(where, what)
    check_gold_answer(row.answer, row.aliases, where, faults)
    for rule, what in indirect_faults(row, fact, asked):
        faults.add(where, f"{rule}: {what}")
    own = Fact(fact.id, "forget", fact.topic, row.question, row.answer, tuple(row.aliases))
    check_judged([(own, where)], rules, faults)
