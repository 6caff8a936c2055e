"""Figures of a relearning curve: rates at numbers of optimiser steps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

Curve = Sequence[tuple[int, float]]
"""(steps, rate) in increasing order of steps."""


def maximum(curve: Curve) -> tuple[int, float]:
    """The highest rate and the first step at which it stands. Raises `ValueError` if empty."""
    return max(curve, key=lambda point: (point[1], -point[0]))


def area(curve: Curve) -> float:
    """Mean rate over the budget: the trapezoids under the curve, divided by its last step.

    A curve of one point is that point. Raises `ValueError` if empty.
    """
    if not curve:
        raise ValueError("a curve without points has no area")
    width = curve[-1][0] - curve[0][0]
    if not width:
        return curve[0][1]
    # Added up from left to right, as stored summaries were: they are compared to the last bit.
    whole = 0.0
    for (step, rate), (following, next_rate) in pairwise(curve):
        whole += (following - step) * (next_rate + rate) / 2.0
    return whole / width


def steps_to(curve: Curve, share: float, ceiling: float) -> int | None:
    """The first scored step at which the rate reaches `share` of `ceiling`, or None.

    A ceiling of 0 cannot be reached: None.
    """
    if ceiling <= 0:
        return None
    return next((step for step, rate in curve if rate >= share * ceiling - 1e-12), None)
