"""Accepted paraphrases as rows of `reviewed.jsonl`, which `show benchmark --check` reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from unlearnbench.authoring.decisions import Decisions, candidate_key
from unlearnbench.benchmark.quality.beside import ReviewedRow, Rule
from unlearnbench.paraphrasing.candidates import Candidate
from unlearnbench.types import Fact

_REVIEWS: Mapping[str, tuple[Rule, ...]] = {
    "other-meaning": ("far",),
    "other-question": ("far",),
    "added-clue": ("clue",),
    "shared-frame": ("frame",),
    "equal-starts": ("start",),
    # Where no check reads a language, the checks of a benchmark do not either.
    "unchecked-language": ("far", "clue"),
    "other-language": ("far", "clue"),
}
"""What an acceptance says to the checks of a benchmark, by the doubt that was accepted."""


def accepted_rows(facts: Iterable[Fact], decisions: Decisions) -> list[ReviewedRow]:
    """The rows of `reviewed.jsonl` about accepted paraphrases that a benchmark's facts have."""
    return [row for fact in facts for row in _reviewed(fact, decisions)]


def _reviewed(fact: Fact, decisions: Decisions) -> Iterator[ReviewedRow]:
    for candidate in candidates_of(fact):
        decision = decisions.get(candidate_key(candidate))
        if decision is not None and decision.choice == "accept":
            rules = (rule for doubt in decision.rules for rule in _REVIEWS.get(doubt, ()))
            for rule in dict.fromkeys(rules):
                yield ReviewedRow(fact=fact.id, text=candidate.text, rule=rule)


def candidates_of(fact: Fact) -> Iterator[Candidate]:
    """A fact's paraphrases as the candidates that they were; who proposed them is not known."""
    for one in fact.paraphrases:
        yield Candidate(fact.id, "evaluation", one.style, one.text, "")
    for text in fact.train_paraphrases:
        yield Candidate(fact.id, "training", None, text, "")
