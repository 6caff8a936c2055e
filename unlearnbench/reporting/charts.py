"""The geometry of the charts: numbers in, coordinates and path strings out; no markup."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unlearnbench.display import percent
from unlearnbench.runs.schema import ArmRecord, Figures, Point, RelearnRecord

WIDTH, HEIGHT = 720, 380
LEFT, RIGHT, TOP, BOTTOM = 62, 150, 18, 52
APART = 15
"""Least distance between the lines of two labels, in units of the drawing."""
_SHAPES = (
    ((0, -5), (5, 0), (0, 5), (-5, 0)),
    ((-4, -4), (4, -4), (4, 4), (-4, 4)),
    ((0, -5), (5, 4), (-5, 4)),
    ((-5, -4), (5, -4), (0, 5)),
    ((-2, -5), (2, -5), (2, 5), (-2, 5)),
    ((-5, -2), (5, -2), (5, 2), (-5, 2)),
    ((0, -6), (4, -2), (4, 4), (-4, 4), (-4, -2)),
    ((-6, 0), (-2, -4), (4, -4), (4, 4), (-2, 4)),
)
"""Outlines of markers, so that no series is told by its colour alone."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A point of a series: where it is, its outline, whether anything in it is open, its words."""

    x: float
    y: float
    outline: str
    is_open: bool
    says: str


@dataclass(frozen=True, slots=True)
class Series:
    """A line with its band. `label_y`: where its name stands at the right edge."""

    name: str
    number: int
    line: str
    band: str
    marks: tuple[Mark, ...]
    label_y: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything a template draws. Ticks are (coordinate, label)."""

    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    series: tuple[Series, ...]
    ceiling: float | None = None
    labels: tuple[tuple[float, float, str], ...] = ()
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def relearning_chart(record: RelearnRecord) -> Chart | None:
    """Rates over steps, an arm a line: the mean of its seeds, what is open counted as leaked.

    The band runs from the lowest to the highest seed, or over the interval of a single one.
    """
    arms = {n: arm for n, arm in record.arms.items() if any(arm.seeds.values())}
    steps = sorted({p.step for a in arms.values() for ps in a.seeds.values() for p in ps})
    if not steps:
        return None
    place = _step_places(steps)
    ends = {name: mean_points(arm)[-1] for name, arm in arms.items()}
    heights = _spread({name: _y(end.mean) for name, end in ends.items()})
    series = tuple(
        _series(shown_name(name, arm), number, mean_points(arm), place, heights[name])
        for number, (name, arm) in enumerate(arms.items(), start=1)
    )
    top = record.ceiling.forget.high if record.ceiling else None
    ticks = tuple((place[step], str(step)) for step in steps)
    return Chart(ticks, _y_ticks(), series, None if top is None else _y(top))


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
    """An arm's curve in order of steps, over the seeds that were asked there."""
    at: dict[int, list[Point]] = {}
    for points in arm.seeds.values():
        for point in points:
            at.setdefault(point.step, []).append(point)
    found = []
    for step, asked in sorted(at.items()):
        rates = [p.forget.high for p in asked]
        low, high = min(rates), max(rates)
        if len(asked) == 1:
            low, high = asked[0].forget.interval
        still = sum(p.forget.n_open for p in asked)
        found.append(MeanPoint(step, sum(rates) / len(rates), low, high, still))
    return found


def _series(
    name: str, number: int, points: Sequence[MeanPoint], place: Mapping[int, float], label: float
) -> Series:
    xs = [place[p.step] for p in points]
    line = _path(list(zip(xs, (_y(p.mean) for p in points), strict=True)))
    upper = list(zip(xs, (_y(p.high) for p in points), strict=True))
    lower = list(zip(xs, (_y(p.low) for p in points), strict=True))
    marks = tuple(
        _mark(
            place[p.step],
            _y(p.mean),
            number,
            bool(p.n_open),
            f"{name}, step {p.step}: {percent(p.mean)}",
        )
        for p in points
    )
    return Series(name, number, line, f"{_path([*upper, *reversed(lower)])}Z", marks, label)


def trade_off_chart(points: Sequence[tuple[str, Figures, Figures]]) -> Chart:
    """Retain (right is better) against the worst case (up is more leaked), a mark a checkpoint.

    Each of `points` is (label, worst case, retain). A cross of lines shows both intervals; what is
    open counts as leaked, and as lost.
    """
    series = []
    wanted = {}
    for number, (label, worst, retain) in enumerate(points, start=1):
        x, y = _x(retain.low), _y(worst.high)
        across = _path([(_x(retain.interval[0]), y), (_x(retain.interval[1]), y)])
        upright = _path([(x, _y(worst.interval[0])), (x, _y(worst.interval[1]))])
        is_open = bool(worst.n_open or retain.n_open)
        says = f"{label}: worst case {percent(worst.high)}, retain {percent(retain.low)}"
        mark = _mark(x, y, number, is_open, says)
        series.append(Series(label, number, f"{across}{upright}", "", (mark,), y))
        wanted[str(number)] = y - 8
    heights = _spread(wanted)
    labels = tuple(
        (one.marks[0].x + 9, heights[str(one.number)], f"{one.number} {_shortened(one.name)}")
        for one in series
    )
    x_ticks = tuple((_x(share / 4), f"{25 * share} %") for share in range(5))
    return Chart(x_ticks, _y_ticks(), tuple(series), labels=labels)


def _mark(x: float, y: float, number: int, is_open: bool, says: str) -> Mark:
    shape = _SHAPES[(number - 1) % len(_SHAPES)]
    outline = f"{_path([(x + dx, y + dy) for dx, dy in shape])}Z"
    return Mark(x, y, outline, is_open, f"{says}, some open" if is_open else says)


def _step_places(steps: Sequence[int]) -> dict[int, float]:
    """Steps on a scale of powers of two; 0 stands one power below the smallest."""
    powers = [math.log2(step) for step in steps if step]
    first = powers[0] - 1 if powers else 0.0
    at = {step: math.log2(step) if step else first for step in steps}
    width = max(at.values()) - min(at.values()) or 1.0
    inside = WIDTH - RIGHT - LEFT - 20
    return {s: round(LEFT + 10 + inside * (v - min(at.values())) / width, 1) for s, v in at.items()}


def _x(share: float) -> float:
    return round(LEFT + (WIDTH - RIGHT - LEFT) * share, 1)


def _y(share: float) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * share, 1)


def _y_ticks() -> tuple[tuple[float, str], ...]:
    return tuple((_y(share / 4), f"{25 * share} %") for share in range(5))


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _spread(wanted: Mapping[str, float]) -> dict[str, float]:
    """Heights of labels, kept in order, apart from each other and inside the drawing."""
    order = sorted(wanted, key=lambda name: wanted[name])
    placed: dict[str, float] = {}
    lowest = TOP - APART + 6.0
    for name in order:
        lowest = max(wanted[name], lowest + APART)
        placed[name] = lowest
    limit = HEIGHT - BOTTOM + APART / 2
    for name in reversed(order):
        placed[name] = min(placed[name], limit)
        limit = placed[name] - APART
    return placed


def _shortened(name: str) -> str:
    return name if len(name) <= 24 else f"…{name[-23:]}"
