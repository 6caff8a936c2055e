"""In how many paraphrases a run asked its forget facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from unlearnbench.types import ORIGINAL, Probe
from unlearnbench.types.terms import OTHER_FORMS

FULL = 15
"""Paraphrases of a forget fact that the protocol asks; a run with fewer is not ranked."""


def fewest_paraphrases(probes: Iterable[Probe]) -> int | None:
    """The smallest number of paraphrases that any forget fact was asked in; None without one.

    Blanks to fill and attacks are asked beside paraphrases and do not stand for them.
    """
    counts: Counter[str] = Counter()
    for probe in probes:
        if probe.split == "forget" and probe.key.context == "plain":
            other = probe.key.style.startswith((ORIGINAL, *OTHER_FORMS))
            counts[probe.key.fact] += not other
    return min(counts.values(), default=None)
