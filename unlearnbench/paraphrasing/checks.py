"""What speaks against a candidate, looked at beside its fact and the texts that the fact has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from unlearnbench.benchmark import holds, plain
from unlearnbench.paraphrasing.candidates import Candidate, Checked, Doubt
from unlearnbench.types import Fact


@dataclass(frozen=True, slots=True)
class Proposal:
    """A fact, the candidates for it, and the texts that it has already."""

    fact: Fact
    candidates: Sequence[Candidate]
    kept: Sequence[str] = ()


def check_proposals(
    proposals: Sequence[Proposal], others: Sequence[Fact] = ()
) -> list[list[Checked]]:
    """The candidates of each fact, in order, with all doubts about them.

    `others`: the other facts of the benchmark.
    """
    asked = {plain(other.question): other.id for other in others}
    return [list(_checked(proposal, asked)) for proposal in proposals]


def _checked(proposal: Proposal, asked: Mapping[str, str]) -> Iterator[Checked]:
    fact = proposal.fact
    seen = {plain(text) for text in (fact.question, *proposal.kept)}
    for candidate in proposal.candidates:
        yield Checked(candidate, tuple(_doubts(fact, candidate.text, seen, asked)))
        seen.add(plain(candidate.text))


def _doubts(fact: Fact, text: str, seen: set[str], asked: Mapping[str, str]) -> Iterator[Doubt]:
    for answer in (fact.answer, *fact.aliases):
        if holds(text, answer):
            yield Doubt("answer-inside", f"{answer!r} stands in {text!r}", final=True)
    if plain(text) in seen:
        yield Doubt("repeated", f"{text!r} is there already", final=True)
    elif plain(text) in asked:
        yield Doubt("shared", f"{text!r} asks {asked[plain(text)]}", final=True)
