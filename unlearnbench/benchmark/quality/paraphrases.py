"""Whether a fact's paraphrases differ, and training ones from those of the evaluation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations
from statistics import mean

from rapidfuzz import fuzz

from unlearnbench.benchmark import plain
from unlearnbench.benchmark.quality.breaches import (
    MEAN_OVERLAP,
    MOST_EQUAL_STARTS,
    PAIR_LIKENESS,
    Breach,
    evaluation_texts,
    overlap,
    telling_words,
)
from unlearnbench.types import Fact


def check_paraphrases(
    facts: Iterable[Fact], reviewed: frozenset[tuple[str, str]] = frozenset()
) -> Iterator[Breach]:
    """Each fact by itself, and texts that two facts share. `reviewed` are (fact, text) whose
    beginning somebody has read and kept.
    """
    owners: dict[str, str] = {}
    for fact in facts:
        yield from _equal_starts(fact, reviewed)
        yield from _too_alike(fact)
        yield from _training_apart(fact)
        for text in (fact.question, *evaluation_texts(fact), *fact.train_paraphrases):
            other = owners.setdefault(plain(text), fact.id)
            if other != fact.id:
                yield Breach("shared-wording", fact.id, f"{text!r} also asks {other}")


def mean_overlap(fact: Fact) -> float:
    """Mean overlap over all pairs of a fact's evaluation paraphrases, 0 to 1."""
    sets = [telling_words(text) for text in evaluation_texts(fact)]
    return mean(overlap(a, b) for a, b in combinations(sets, 2)) if len(sets) > 1 else 0.0


def _equal_starts(fact: Fact, reviewed: frozenset[tuple[str, str]]) -> Iterator[Breach]:
    starts: dict[str, list[str]] = defaultdict(list)
    unread = (t for t in evaluation_texts(fact) if (fact.id, t) not in reviewed)
    for text in (fact.question, *unread):
        starts[" ".join(plain(text).split()[:4])].append(text)
    for start, texts in starts.items():
        if len(texts) > MOST_EQUAL_STARTS:
            yield Breach("equal-starts", fact.id, f"{len(texts)} paraphrases begin {start!r}")


def _too_alike(fact: Fact) -> Iterator[Breach]:
    likeness = mean_overlap(fact)
    if likeness > MEAN_OVERLAP:
        what = f"mean word overlap {likeness:.2f}, at most {MEAN_OVERLAP} is allowed"
        yield Breach("alike", fact.id, what)
    for one, two in combinations((fact.question, *evaluation_texts(fact)), 2):
        if fuzz.ratio(plain(one), plain(two)) > PAIR_LIKENESS:
            yield Breach("alike", fact.id, f"{one!r} and {two!r} are nearly the same text")


def _training_apart(fact: Fact) -> Iterator[Breach]:
    for trained in fact.train_paraphrases:
        for text in (fact.question, *evaluation_texts(fact)):
            if fuzz.ratio(plain(trained), plain(text)) > PAIR_LIKENESS:
                yield Breach("trained-wording", fact.id, f"{trained!r} trains for {text!r}")
