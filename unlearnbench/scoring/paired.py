"""Two runs of one plan, compared fact by fact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_DRAWS = 10_000


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


@dataclass(frozen=True, slots=True)
class PairedMean:
    """The mean of paired differences, first minus second, over `n` units.

    `interval` is the bootstrap's 95 % interval, None for a single unit; `p` is two-sided.
    """

    difference: float
    interval: tuple[float, float] | None
    p: float
    n: int


def paired_mean(first: Mapping[str, float], second: Mapping[str, float]) -> PairedMean:
    """Compare a measured quantity unit by unit, by name.

    The interval is the percentile bootstrap's over units (Efron and Tibshirani 1993, chapter 13);
    `p` is Fisher's randomisation test: the share of random signs of the differences, the observed
    ones among them, whose mean lies at least as far from 0. Both draw with a fixed seed.

    Raises `ValueError` if the two do not hold the same units, or none.
    """
    import numpy as np

    if set(first) != set(second) or not first:
        raise ValueError("paired runs must hold the same units, and some")
    differences = np.array([first[name] - second[name] for name in sorted(first)])
    n, mean = len(differences), float(differences.mean())
    random = np.random.default_rng(0)
    signs = random.choice([-1.0, 1.0], size=(_DRAWS - 1, n))
    # Means that are equal but for rounding are as far.
    far = abs(signs @ differences / n) >= abs(mean) - 1e-12 * abs(differences).max()
    drawn = random.integers(n, size=(_DRAWS, n))
    low, high = np.quantile(differences[drawn].mean(axis=1), [0.025, 0.975])
    interval = (float(low), float(high)) if n > 1 else None
    return PairedMean(mean, interval, float(1 + far.sum()) / _DRAWS, n)


def holm(values: Mapping[str, float]) -> dict[str, float]:
    """p-values adjusted for how many there are (Holm 1979, step-down), by name.

    The k-th smallest of m is multiplied by m - k + 1; none is smaller than one before it.
    """
    adjusted, least = {}, 0.0
    for place, name in enumerate(sorted(values, key=lambda name: values[name])):
        least = max(least, min(1.0, (len(values) - place) * values[name]))
        adjusted[name] = least
    return {name: adjusted[name] for name in values}
