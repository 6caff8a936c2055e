"""Stand-in for the checks of candidates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unlearnbench.benchmark import plain
from unlearnbench.paraphrasing.candidates import Candidate, Checked, Doubt
from unlearnbench.types import Fact


def check_candidates(
    fact: Fact,
    candidates: Sequence[Candidate],
    kept: Sequence[str] = (),
    others: Sequence[Fact] = (),
) -> list[Checked]:
    """Answers and repeats only."""
    seen = {plain(text) for text in (fact.question, *kept, *(other.question for other in others))}
    checked = []
    for candidate in candidates:
        doubts = tuple(_doubts(fact, candidate.text, seen))
        seen.add(plain(candidate.text))
        checked.append(Checked(candidate, doubts))
    return checked


def _doubts(fact: Fact, text: str, seen: set[str]) -> Iterator[Doubt]:
    if any(plain(gold) in plain(text) for gold in (fact.answer, *fact.aliases)):
        yield Doubt("answer-inside", "the answer is in it", final=True)
    if plain(text) in seen:
        yield Doubt("repeat", "it is there already", final=True)
