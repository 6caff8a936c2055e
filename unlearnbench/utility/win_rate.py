"""How often a judge prefers a model's answers to its base's, each pair in both orders."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Preference = Literal["first", "second", "tie"]


@dataclass(frozen=True, slots=True)
class JudgedPair:
    """A judge's two verdicts on one instruction; None where its call failed.

    In `model_first` the model's answer was shown first and the base's second, in `base_first` the
    other way round. `model_length` and `base_length` are the answers' lengths in words.
    """

    model_first: Preference | None
    base_first: Preference | None
    model_length: int
    base_length: int

    @property
    def share(self) -> float | None:
        """The model's share of this instruction, 0 to 1; None while a verdict is open."""
        if self.model_first is None or self.base_first is None:
            return None
        points = {"first": 1.0, "tie": 0.5, "second": 0.0}
        return (points[self.model_first] + 1 - points[self.base_first]) / 2


@dataclass(frozen=True, slots=True)
class WinRate:
    """The model's share over all instructions. `low` and `high` count open ones as lost and won."""

    low: float
    high: float
    n: int
    n_open: int


def win_rate(comparisons: Sequence[JudgedPair]) -> WinRate:
    """Win rate over both orders: the mean of each instruction's share.

    share_i = ½ · (points of the model shown first + points of the model shown second), a win 1, a
    tie ½, a loss 0. A judge's preference for a position cancels: against itself a model has
    exactly ½, whatever that preference is. (AlpacaEval, Dubois et al. 2023, arXiv 2305.14387, in
    one drawn order; both orders as in MT-Bench, Zheng et al. 2023, arXiv 2306.05685.) Raises
    `ValueError` without instructions.
    """
    if not comparisons:
        raise ValueError("no instructions")
    shares = [comparison.share for comparison in comparisons]
    known = math.fsum(share for share in shares if share is not None)
    n, n_open = len(shares), sum(share is None for share in shares)
    return WinRate(known / n, (known + n_open) / n, n, n_open)


def length_controlled(comparisons: Sequence[JudgedPair]) -> float | None:
    """The win rate that would be expected if both answers were always of the same length.

    A logistic regression share_i ~ σ(a + b · tanh(d_i / s)), d_i the difference of lengths and s
    its standard deviation, fitted by least deviance with a slight ridge on b; σ(a) is the rate at
    d = 0 (after AlpacaEval 2, Dubois et al. 2024, arXiv 2404.04475, without its terms for models
    and instructions). None while nothing is known. Without any difference of lengths it is the
    plain rate.
    """
    known = [c for c in comparisons if c.share is not None]
    if not known:
        return None
    shares = np.array([c.share for c in known], dtype=np.float64)
    return rate_at_equal_length(shares, length_gaps(known))


def length_gaps(comparisons: Sequence[JudgedPair]) -> NDArray[np.float64]:
    """By how many words the model's answer is longer than the base's, for each instruction."""
    return np.array([c.model_length - c.base_length for c in comparisons], dtype=np.float64)


def rate_at_equal_length(shares: NDArray[np.float64], gaps: NDArray[np.float64]) -> float:
    """`length_controlled` of shares and differences of lengths, both of shape (instructions,)."""
    spread = float(gaps.std()) or float(abs(gaps[0]))
    rate = float(shares.mean())
    if not spread or rate in (0.0, 1.0):
        return rate
    return _at_no_gap(shares, np.tanh(gaps / spread))


_RIDGE = 0.01
_STEPS = 100


def _at_no_gap(shares: NDArray[np.float64], gaps: NDArray[np.float64]) -> float:
    """σ(a) of the fit, by Newton's method, which finds the one minimum of a convex function."""
    design = np.column_stack([np.ones_like(gaps), gaps])
    penalty = np.diag([0.0, _RIDGE])
    weights = np.zeros(2)
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-design @ weights))
        slope = design.T @ (p - shares) + penalty @ weights
        curvature = (design * (p * (1 - p))[:, None]).T @ design + penalty
        step = np.linalg.solve(curvature, slope)
        weights = weights - step
        if float(np.abs(step).max()) < 1e-12:
            break
    return float(1 / (1 + np.exp(-weights[0])))
