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
