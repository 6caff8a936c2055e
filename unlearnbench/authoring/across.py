"""Rules between rows of a user's table: nothing is asked twice, nothing is forgotten and kept."""

from __future__ import annotations

from collections.abc import Sequence

from unlearnbench.authoring.answers import alternatives
from unlearnbench.benchmark import plain
from unlearnbench.benchmark.tables.table import Faults, shown
from unlearnbench.benchmark.validation import Located
from unlearnbench.display import counted

_MOST_PLACES = 10


def check_facts_together(
    located: Sequence[Located], faults: Faults
) -> tuple[list[Located], list[str]]:
    """The facts without repeated rows, and notes on what was left out or is odd.

    One question with two answers, or with one answer in two splits, is a fault.
    """
    first: dict[str, Located] = {}
    kept, repeated = [], []
    for fact, where in located:
        asked = plain(fact.question) or fact.question.casefold()
        before = first.setdefault(asked, (fact, where))
        if before[0] is fact or not asked:
            kept.append((fact, where))
        elif fact.split != before[0].split:
            what = f"{shown(fact.question)} is a {fact.split} fact here and a {before[0].split}"
            faults.add(where, f"{what} fact at {before[1]}")
        elif not _same_answer(fact.answer, before[0].answer):
            what = f"{shown(fact.question)} is answered {shown(fact.answer)} here and "
            faults.add(where, f"{what}{shown(before[0].answer)} at {before[1]}")
        else:
            repeated.append(f"{where} (as {before[1]})")
    notes = []
    if repeated:
        some = _some(repeated)
        notes.append(f"left out: {counted(len(repeated), 'row')} asked and answered before: {some}")
    if odd := alternatives(kept):
        what = "that may be two in one; a response must give all of it, so put others in aliases"
        notes.append(f"{counted(len(odd), 'answer')} {what}: {_some(odd)}")
    return kept, notes


def _same_answer(one: str, two: str) -> bool:
    return (plain(one) or one.casefold()) == (plain(two) or two.casefold())


def _some(places: Sequence[str]) -> str:
    more = len(places) - _MOST_PLACES
    return ", ".join(places[:_MOST_PLACES]) + (f" and {more} more" if more > 0 else "")
