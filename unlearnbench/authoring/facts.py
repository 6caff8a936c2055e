"""From a user's table to facts: every row checked by itself, all faults told at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from anyascii import anyascii

from unlearnbench.authoring.across import check_facts_together
from unlearnbench.authoring.answers import AnswerRules, check_gold_answer, check_judged
from unlearnbench.benchmark import holds, plain
from unlearnbench.benchmark.tables.cells import list_cell, text_cell
from unlearnbench.benchmark.tables.columns import with_columns
from unlearnbench.benchmark.tables.read import read_table
from unlearnbench.benchmark.tables.table import Faults, UserRow, shown, table_fault
from unlearnbench.benchmark.validation import Located
from unlearnbench.naming import nearest
from unlearnbench.types import Fact, Source, Split

COLUMNS = ("question", "answer", "id", "aliases", "topic", "split", "tier", "source")
NEEDED = ("question", "answer")
TIERS = ("topic", "neighbour", "field", "own", "general")
"""Tiers of retain facts, near to far; `own` for those of a user's that name none, `neighbour` for
those that a model proposed.
"""
_TOPIC = "facts"
MOST_FACTS = 20_000
_MOST_QUESTION = 2_000
_LONGEST_ID = 48


@dataclass(frozen=True, slots=True)
class FactTable:
    """The facts of a table, each with its `file:row`, and what was noted on the way."""

    name: str
    facts: tuple[Located, ...]
    notes: tuple[str, ...]

    def split(self, name: Split) -> tuple[Fact, ...]:
        """The facts of one split, in the order of the table."""
        return tuple(fact for fact, _ in self.facts if fact.split == name)


def read_facts(
    source: str, columns: Mapping[str, str], sheet: str | None, rules: AnswerRules
) -> FactTable:
    """Read a table of facts: `question` and `answer`, and as far as it has them `COLUMNS`.

    Args:
        source: A file, or `hub:OWNER/NAME`.
        columns: The table's own names of columns, by ours.
        sheet: The sheet of a spreadsheet.
        rules: What the benchmark's judge can hold.

    Raises:
        TableError: With every fault of the table, each with its `file:row`.
    """
    wanted = [columns.get(name, name) for name in COLUMNS]
    table = with_columns(read_table(source, wanted, sheet), COLUMNS, NEEDED, columns)
    if len(table.rows) > MOST_FACTS:
        what = f"{len(table.rows)} facts; at most {MOST_FACTS} are taken: split the table"
        raise table_fault(table.name, table.name, what)
    if not table.rows:
        raise table_fault(table.name, table.name, "it has no rows below its header")
    faults = Faults(table.name)
    rows = [(_fact(row, faults), row.where) for row in table.rows]
    located, notes = check_facts_together(_with_ids(rows, faults), faults)
    check_judged(located, rules, faults)
    faults.check()
    if not any(fact.split == "forget" for fact, _ in located):
        what = "no row is to be forgotten: split is forget, retain or never, and forget without it"
        raise table_fault(table.name, table.name, what)
    return FactTable(table.name, _with_tiers(located), (*table.notes, *notes))


def _fact(row: UserRow, faults: Faults) -> Fact:
    """The fact of a row, its id still as it was given."""
    question = text_cell(row, "question", faults, needed=True)
    answer = text_cell(row, "answer", faults, needed=True)
    aliases = list_cell(row, "aliases", faults)
    split = _split(text_cell(row, "split", faults), row.where, faults)
    if len(question) > _MOST_QUESTION:
        faults.add(row.where, f"a question of {len(question)} letters; {_MOST_QUESTION} are taken")
    if question and not plain(question):
        faults.add(row.where, f"the question {shown(question)} has no letter")
    check_gold_answer(answer, aliases, row.where, faults)
    for given in (answer, *aliases):
        if question and plain(given) and holds(question, given):
            faults.add(row.where, f"the answer {shown(given)} stands in {shown(question)}")
    return Fact(
        id=text_cell(row, "id", faults),
        split=split,
        topic=_topic(text_cell(row, "topic", faults), row.where, faults),
        question=question,
        answer=answer,
        aliases=tuple(alias for alias in aliases if alias != answer),
        tier=_tier(text_cell(row, "tier", faults), split, row.where, faults),
        source=_source(text_cell(row, "source", faults), answer),
    )


def _split(text: str, where: str, faults: Faults) -> Split:
    for known in get_args(Split):
        if text.casefold() == known:
            split: Split = known
            return split
    if text:
        faults.add(where, f"split {shown(text)}: {nearest(text.casefold(), get_args(Split))}")
    return "forget"


def _topic(text: str, where: str, faults: Faults) -> str:
    topic = id_of(text, 64)
    if text and not topic:
        faults.add(where, f"topic {shown(text)} has no letter or digit")
    return topic or _TOPIC


def _tier(text: str, split: Split, where: str, faults: Faults) -> str | None:
    if not text:
        return None
    if split != "retain":
        faults.add(where, f"tier {shown(text)}: only retain facts have one; this is a {split} fact")
    elif text.casefold() not in TIERS:
        faults.add(where, f"tier {shown(text)}: {nearest(text.casefold(), TIERS)}")
    return text.casefold()


def _source(text: str, answer: str) -> Source | None:
    """`TITLE` or `TITLE | CLAIM`; without a claim it is the answer."""
    title, _, claim = (part.strip() for part in text.partition("|"))
    return Source(title, claim or answer) if title else None


def _with_ids(rows: Sequence[Located], faults: Faults) -> list[Located]:
    """Every fact with an id: the given one as a slug, or one made of its question."""
    given: dict[str, str] = {}
    for fact, where in rows:
        slug = id_of(fact.id)
        if fact.id and not slug:
            faults.add(where, f"id {shown(fact.id)} has no letter or digit")
        elif slug and slug in given:
            faults.add(where, f"id {slug} is already at {given[slug]}")
        given.setdefault(slug, where)
    taken = set(given)
    named = []
    for fact, where in rows:
        slug = id_of(fact.id) or _free(id_of(fact.question, _LONGEST_ID) or "fact", taken)
        taken.add(slug)
        named.append((replace(fact, id=slug), where))
    return named


def _free(slug: str, taken: set[str]) -> str:
    """The slug, with a number where it is taken."""
    number, free = 1, slug
    while free in taken:
        number += 1
        free = f"{slug}-{number}"
    return free


def id_of(text: str, longest: int = 80) -> str:
    """A text as an id: lower-case letters, digits and hyphens; cut at a word."""
    slug = re.sub(r"[^a-z0-9]+", "-", anyascii(text).lower()).strip("-")
    if len(slug) <= longest:
        return slug
    return slug[: longest + 1].rpartition("-")[0] or slug[:longest]


def _with_tiers(located: Sequence[Located]) -> tuple[Located, ...]:
    """Retain facts without a tier are `own`."""
    return tuple(
        (replace(fact, tier=fact.tier or "own") if fact.split == "retain" else fact, where)
        for fact, where in located
    )
