"""How like the retain facts of a tier are to the forget facts, measured on the finished texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean

from unlearnbench.authoring.synthetic.facts import SyntheticFact, by_tier
from unlearnbench.benchmark import plain
from unlearnbench.benchmark.quality.breaches import every_text, overlap, telling_words


@dataclass(frozen=True, slots=True)
class Likeness:
    """Overlap of a tier's facts with the forget facts, as means from 0 to 1.

    `subject` and `answer`: share of the names in common. `wording`: telling words in common, of all
    that either has (Jaccard), the names of subjects left out, over question and paraphrases each
    with its counterpart.
    """

    subject: float
    wording: float
    answer: float


@dataclass(frozen=True, slots=True)
class Realised:
    """`pairs`: each retain fact against the forget fact that it belongs to; `others`: against all
    other forget facts.
    """

    pairs: Likeness
    others: Likeness


def realised(made: Sequence[SyntheticFact]) -> dict[str, Realised]:
    """The likeness of each tier."""
    forget = [one for one in made if one.fact.split == "forget"]
    return {
        tier: Realised(
            _mean([(one, forget[one.pair]) for one in facts]),
            _mean([(one, it) for one in facts for it in forget if it.pair != one.pair]),
        )
        for tier, facts in by_tier(made)
    }


def _mean(pairs: Sequence[tuple[SyntheticFact, SyntheticFact]]) -> Likeness:
    def over(measure: Callable[[SyntheticFact, SyntheticFact], float]) -> float:
        return round(mean(measure(one, two) for one, two in pairs), 4) if pairs else 0.0

    return Likeness(
        over(lambda one, two: shared_names(one.subject, two.subject)),
        over(_wording),
        over(lambda one, two: shared_names(one.fact.answer, two.fact.answer)),
    )


def shared_names(one: str, two: str) -> float:
    """Names in common, as a share of those of the longer."""
    first, second = set(plain(one).split()), set(plain(two).split())
    return len(first & second) / max(len(first), len(second))


def _wording(one: SyntheticFact, two: SyntheticFact) -> float:
    names = {*plain(one.subject).split(), *plain(two.subject).split()}
    texts = zip(every_text(one.fact), every_text(two.fact), strict=True)
    return mean(overlap(telling_words(a) - names, telling_words(b) - names) for a, b in texts)
