"""Relearning curves: rates over steps, an arm a line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unlearnbench.display import percent
from unlearnbench.reporting.charts.frame import (
    BOTTOM,
    LEFT,
    N_STYLES,
    RIGHT,
    TOP,
    Axes,
    Mark,
    mark,
    path,
    share_ticks,
    y_of,
)
from unlearnbench.runs.schema import ArmRecord, Point, RelearnRecord

_APART = 15
"""Least distance between the lines of two names, in units of the drawing."""


@dataclass(frozen=True, slots=True)
class Series:
    """A line with its band. `label_y`: where its name stands at the right edge."""

    name: str
    style: int
    line: str
    band: str
    marks: tuple[Mark, ...]
    label_y: float


@dataclass(frozen=True, slots=True)
class Curves:
    """Everything that the template draws. `ceiling`: where the base model stands."""

    axes: Axes
    series: tuple[Series, ...]
    ceiling: float | None = None


def relearning_chart(record: RelearnRecord) -> Curves | None:
    """The curves of a relearning run; None before anything was measured."""
    ceiling = record.ceiling.forget.high if record.ceiling else None
    return curves_chart(relearning_curves(record), ceiling)


def relearning_curves(record: RelearnRecord) -> dict[str, list[MeanPoint]]:
    """Each arm's curve by its shown name, without arms that have no points."""
    arms = {n: arm for n, arm in record.arms.items() if any(arm.seeds.values())}
    return {shown_name(name, arm): mean_points(arm) for name, arm in arms.items()}


def curves_chart(curves: Mapping[str, Sequence[MeanPoint]], ceiling: float | None) -> Curves | None:
    """Rates over steps, an arm a line: the mean of its seeds, what is open counted as leaked.

    The band runs from the lowest to the highest seed, or over the interval of a single one.
    `ceiling` is the base model's rate. None without a point.
    """
    steps = sorted({point.step for points in curves.values() for point in points})
    if not steps:
        return None
    place = _step_places(steps)
    heights = spread({name: y_of(points[-1].mean) for name, points in curves.items()})
    series = tuple(
        _series(name, number, points, place, heights[name])
        for number, (name, points) in enumerate(curves.items(), start=1)
    )
    ticks = tuple((place[step], str(step)) for step in steps)
    axes = Axes(ticks, share_ticks(), "optimiser steps (powers of two)", "forget facts that leak")
    return Curves(axes, series, None if ceiling is None else y_of(ceiling))


def shown_name(name: str, arm: ArmRecord) -> str:
    """An arm's name, and that it teaches the facts if it does."""
    return name if arm.benign else f"{name} (taught)"


@dataclass(frozen=True, slots=True)
class MeanPoint:
    """One step of an arm over its seeds; shares 0 to 1."""

    step: int
    mean: float
    low: float
    high: float
    n_open: int


def mean_points(arm: ArmRecord) -> list[MeanPoint]:
    """An arm's curve in order of steps, over the seeds that were measured there."""
    at: dict[int, list[Point]] = {}
    for points in arm.seeds.values():
        for point in points:
            at.setdefault(point.step, []).append(point)
    return [_mean_point(step, measured) for step, measured in sorted(at.items())]


def _mean_point(step: int, measured: Sequence[Point]) -> MeanPoint:
    rates = [point.forget.high for point in measured]
    low, high = min(rates), max(rates)
    if len(measured) == 1:
        low, high = measured[0].forget.interval
    n_open = sum(point.forget.n_open for point in measured)
    return MeanPoint(step, sum(rates) / len(rates), low, high, n_open)


def _series(
    name: str, number: int, points: Sequence[MeanPoint], place: Mapping[int, float], label: float
) -> Series:
    xs = [place[p.step] for p in points]
    style = (number - 1) % N_STYLES + 1
    means = list(zip(xs, (y_of(p.mean) for p in points), strict=True))
    upper = list(zip(xs, (y_of(p.high) for p in points), strict=True))
    lower = list(zip(xs, (y_of(p.low) for p in points), strict=True))
    marks = tuple(
        mark(x, y, style, bool(p.n_open), f"{name}, step {p.step}: {percent(p.mean)}")
        for (x, y), p in zip(means, points, strict=True)
    )
    return Series(name, style, path(means), f"{path([*upper, *reversed(lower)])}Z", marks, label)


def _step_places(steps: Sequence[int]) -> dict[int, float]:
    """Steps on a scale of powers of two; 0 stands one power below the smallest."""
    powers = [math.log2(step) for step in steps if step]
    first = powers[0] - 1 if powers else 0.0
    at = {step: math.log2(step) if step else first for step in steps}
    width = max(at.values()) - min(at.values()) or 1.0
    inside = RIGHT - LEFT - 20
    return {s: round(LEFT + 10 + inside * (v - min(at.values())) / width, 1) for s, v in at.items()}


def spread(wanted: Mapping[str, float]) -> dict[str, float]:
    """Heights of labels, kept in order, apart from each other and inside the drawing."""
    order = sorted(wanted, key=lambda name: wanted[name])
    placed: dict[str, float] = {}
    lowest = TOP - _APART + 6.0
    for name in order:
        lowest = max(wanted[name], lowest + _APART)
        placed[name] = lowest
    limit = BOTTOM + _APART / 2
    for name in reversed(order):
        placed[name] = min(placed[name], limit)
        limit = placed[name] - _APART
    return placed
