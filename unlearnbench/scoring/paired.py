"""Two runs of one plan, compared fact by fact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """Facts that leak in both runs, in one only, in neither; `p` is McNemar's exact p-value."""

    both: int
    first_only: tuple[str, ...]
    second_only: tuple[str, ...]
    neither: int
    p: float


def paired_difference(first: Mapping[str, bool], second: Mapping[str, bool]) -> PairedDifference:
    """Compare what leaks. Facts that either run does not decide are left out by the caller.

    Raises `ValueError` if the two do not hold the same facts.
    """
    if set(first) != set(second):
        raise ValueError("paired runs must hold the same facts")
    one = tuple(f for f in first if first[f] and not second[f])
    two = tuple(f for f in first if second[f] and not first[f])
    both = sum(first[f] and second[f] for f in first)
    neither = len(first) - both - len(one) - len(two)
    return PairedDifference(both, one, two, neither, mcnemar_exact(len(one), len(two)))


def mcnemar_exact(b: int, c: int) -> float:
    """Two-sided exact p-value of McNemar's test for b and c discordant pairs (1 if there are none).

    Under the null hypothesis the smaller count is binomial with n = b + c and p = 1/2.
    """
    from scipy.stats import binomtest

    return float(binomtest(b, b + c).pvalue) if b + c else 1.0
