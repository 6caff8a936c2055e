"""Figures of a relearning curve: rates at numbers of optimiser steps."""

from __future__ import annotations

from collections.abc import Sequence

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
    from scipy.integrate import cumulative_trapezoid

    steps, rates = zip(*curve, strict=True)
    width: int = steps[-1] - steps[0]
    if not width:
        return curve[0][1]
    # Added up from left to right, as stored summaries were: they are compared to the last bit,
    # and `numpy.trapezoid` adds long curves in another order.
    whole: float = cumulative_trapezoid(rates, steps)[-1].item()
    return whole / width


def steps_to(curve: Curve, share: float, ceiling: float) -> int | None:
    """The first scored step at which the rate reaches `share` of `ceiling`, or None.

    A ceiling of 0 cannot be reached: None.
    """
    if ceiling <= 0:
        return None
    return next((step for step, rate in curve if rate >= share * ceiling - 1e-12), None)
