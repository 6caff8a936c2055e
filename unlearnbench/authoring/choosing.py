"""Which paraphrases a benchmark takes: as many of each fact as every fact of its split has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from unlearnbench.paraphrasing.candidates import STYLES, Candidate, Paraphrased
from unlearnbench.runs.asked import FULL as FORGET
from unlearnbench.types import Fact, Paraphrase, Split

FULL: Mapping[Split, int] = {"forget": FORGET, "retain": 6, "never": FORGET}
"""Paraphrases of profile `standard`: so many of each style alike. More are not taken."""


@dataclass(frozen=True, slots=True)
class ChosenSplit:
    """The facts of one split with equally many paraphrases.

    `fewest` are the facts because of which it is no more, up to three; `spare` counts paraphrases
    that passed and are not taken.
    """

    facts: tuple[Fact, ...]
    evaluation: int
    training: int
    fewest: tuple[str, ...]
    fewest_training: tuple[str, ...]
    spare: int


def choose(split: Split, found: Sequence[Paraphrased]) -> ChosenSplit:
    """Give every fact of a split the largest number of paraphrases that all of them have.

    Of more than that, those of each style in turn are taken, in the order of proposal; at most
    as many as the protocol has for evaluation.
    """
    counts = {f.fact.id: len(f.evaluation) for f in found}
    trained = {f.fact.id: len(f.training) for f in found}
    evaluation = min(FULL[split], *counts.values())
    training = min(trained.values(), default=0)
    facts = tuple(_with(f, evaluation, training) for f in found)
    passed = sum(counts.values()) + sum(trained.values())
    return ChosenSplit(
        facts=facts,
        evaluation=evaluation,
        training=training,
        fewest=_at(counts, evaluation) if evaluation < FULL[split] else (),
        fewest_training=_at(trained, training),
        spare=passed - (evaluation + training) * len(facts),
    )


def _at(counts: dict[str, int], least: int) -> tuple[str, ...]:
    return tuple([name for name, count in counts.items() if count == least][:3])


def _with(found: Paraphrased, evaluation: int, training: int) -> Fact:
    taken = balanced(found.evaluation, evaluation)
    return replace(
        found.fact,
        paraphrases=tuple(Paraphrase(c.style or STYLES[0], c.text) for c in taken),
        train_paraphrases=tuple(c.text for c in found.training[:training]),
    )


def balanced(candidates: Sequence[Candidate], count: int) -> list[Candidate]:
    """`count` candidates, of each style in turn as long as it has any; listed style by style."""
    by_style = {style: [c for c in candidates if c.style == style] for style in STYLES}
    taken: dict[str, int] = dict.fromkeys(STYLES, 0)
    for _ in range(count):
        left = [style for style in STYLES if taken[style] < len(by_style[style])]
        taken[min(left, key=lambda style: taken[style])] += 1
    return [c for style in STYLES for c in by_style[style][: taken[style]]]
