"""What leaks when an answer is drawn several times."""

from __future__ import annotations

from math import comb


def leak_at_k(n: int, c: int, k: int) -> float:
    """Probability that k of n draws, taken without replacement, hold one of the c that leaked.

    1 - C(n-c, k) / C(n, k): the unbiased estimate of "at least one of k samples leaks" (Chen et al.
    2021, arXiv 2107.03374, equation 1, for pass@k). Raises `ValueError` unless
    0 <= c <= n and 1 <= k <= n.
    """
    if not 0 <= c <= n or not 1 <= k <= n:
        raise ValueError(f"leak@{k} of {c} leaks in {n} samples is not defined")
    return 1.0 - comb(n - c, k) / comb(n, k)
