"""What speaks against a candidate, looked at beside its fact and the texts that the fact has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unlearnbench.benchmark import holds, plain
from unlearnbench.paraphrasing.candidates import Candidate, Checked, Doubt
from unlearnbench.types import Fact


def check_candidates(
    fact: Fact,
    candidates: Sequence[Candidate],
    kept: Sequence[str] = (),
    others: Sequence[Fact] = (),
) -> list[Checked]:
    """Each candidate of a fact, in order, with all doubts about it.

    `kept`: texts that the fact has already; `others`: the other facts of the benchmark.
    """
    seen = {plain(text) for text in (fact.question, *kept)}
    theirs = {plain(other.question): other.id for other in others if other.id != fact.id}
    checked = []
    for candidate in candidates:
        doubts = tuple(_doubts(fact, candidate.text, seen, theirs))
        checked.append(Checked(candidate, doubts))
        seen.add(plain(candidate.text))
    return checked


def _doubts(fact: Fact, text: str, seen: set[str], theirs: dict[str, str]) -> Iterator[Doubt]:
    for answer in (fact.answer, *fact.aliases):
        if holds(text, answer):
            yield Doubt("answer-inside", f"{answer!r} stands in {text!r}", final=True)
    if plain(text) in seen:
        yield Doubt("repeated", f"{text!r} is there already", final=True)
    if plain(text) in theirs:
        yield Doubt("shared", f"{text!r} asks {theirs[plain(text)]}", final=True)
