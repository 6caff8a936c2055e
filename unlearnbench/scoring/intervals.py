"""Confidence intervals of proportions."""

from __future__ import annotations

import math
from collections.abc import Sequence

from unlearnbench.types import Interval

Z95 = 1.959963984540054
"""Two-sided 95 % quantile of the standard normal distribution."""


def wilson(successes: float, n: float, z: float = Z95) -> Interval:
    """Wilson's score interval for `successes` out of `n` (Wilson 1927; Newcombe 1998, method 3).

    `n` may be fractional (an effective sample size). With `n` = 0 nothing is known: [0, 1].
    """
    if n <= 0:
        return Interval(0.0, 1.0)
    p = successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # At p = 0 and p = 1 the ends are exactly 0 and 1; rounding must not say otherwise.
    low = 0.0 if p == 0 else max(0.0, centre - half)
    high = 1.0 if p == 1 else min(1.0, centre + half)
    return Interval(low, high)


def clustered(shares: Sequence[tuple[int, int]]) -> Interval:
    """Interval of a pooled proportion whose units come in clusters (the probes of one fact).

    `shares` holds (successes, size) of each cluster. Wilson's interval is taken at the effective
    sample size n / deff, where deff is the variance of the cluster-robust ratio estimate over that
    of independent draws (Kish 1965; Korn and Graubard 1998). The effective size is kept between
    the number of clusters and the number of units; where all units agree, no variance can be
    estimated and the number of clusters is used, which errs on the wide side.
    """
    units = sum(size for _, size in shares)
    clusters = len(shares)
    if units == 0:
        return Interval(0.0, 1.0)
    p = sum(successes for successes, _ in shares) / units
    effective = float(clusters)
    if 0 < p < 1 and clusters > 1:
        residual = sum((successes - p * size) ** 2 for successes, size in shares)
        robust = clusters / (clusters - 1) * residual / units**2
        independent = p * (1 - p) / units
        effective = units / max(robust / independent, 1e-12)
        effective = min(max(effective, clusters), units)
    return wilson(p * effective, effective)


def clopper_pearson(successes: float, n: int, level: float = 0.95) -> Interval:
    """Exact interval of a proportion (Clopper and Pearson 1934), from quantiles of Beta.

    `successes` may be a sum of shares in [0, 1]: such a mean varies no more than that of coin
    tosses with the same rates, so the interval then errs on the wide side. [0, 1] if `n` is 0.
    """
    from scipy.special import betaincinv  # the bits of scipy.stats.beta.ppf, in a third of the time

    tail = (1 - level) / 2
    low = float(betaincinv(successes, n - successes + 1, tail)) if successes > 0 else 0.0
    high = float(betaincinv(successes + 1, n - successes, 1 - tail)) if successes < n else 1.0
    return Interval(low, high)


def newcombe(first: tuple[int, int], second: tuple[int, int]) -> Interval:
    """Interval of p_1 - p_2 for two independent counts (successes, n), ends in [-1, 1].

    The hybrid score interval (Newcombe 1998, method 10): Wilson's limits of each, combined.
    """
    (p, a), (q, b) = ((x / n if n else 0.5, wilson(x, n)) for x, n in (first, second))
    low = p - q - math.hypot(p - a.low, b.high - q)
    high = p - q + math.hypot(a.high - p, q - b.low)
    return Interval(max(-1.0, low), min(1.0, high))
