"""The trade-off of forgetting: worst case against retain, a mark a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from unlearnbench.display import percent
from unlearnbench.reporting.charts.frame import (
    N_STYLES,
    Axes,
    Mark,
    mark,
    path,
    share_ticks,
    x_of,
    y_of,
)
from unlearnbench.reporting.charts.geometry import Box
from unlearnbench.reporting.charts.labels import MOST_WIDTH, Label, Name, place_labels, shortened

MOST_NAMED = 30
"""With more points than these, only those are named that no other beats or that ask for it."""
MOST_BARRED = 20
"""With more points than these, lines of intervals are left out, and names are shorter."""
_REFERENCE_STYLE = 2
_FRONT_SCALE, _HALF_MARK = 1.4, 9
_SHORT = 170
_Y_NAME = "forget facts that leak, worst case (less is better)"
_PIECE = 20
"""Length of the pieces into which a line is cut to tell what it crosses."""


@dataclass(frozen=True, slots=True)
class TradeOffPoint:
    """A checkpoint's worst case and retain score, shares 0 to 1, with 95 % intervals where known.

    `style` chooses colour and outline; a reference is no checkpoint that competes, but what others
    are read against. `is_open`: some verdicts are missing. `is_always_named`: however many points
    there are, up to `MOST_NAMED`, which go before others. `note` is added to its tooltip.
    """

    name: str
    worst_case: float
    retain: float
    worst_case_interval: tuple[float, float] | None = None
    retain_interval: tuple[float, float] | None = None
    style: int = 1
    is_reference: bool = False
    is_open: bool = False
    is_always_named: bool = False
    note: str = ""

    def is_beaten_by(self, other: TradeOffPoint) -> bool:
        """Whether another is at least as good in both and better in one."""
        leaks, keeps = other.worst_case - self.worst_case, other.retain - self.retain
        return leaks <= 0 <= keeps and (leaks, keeps) != (0, 0)


@dataclass(frozen=True, slots=True)
class Dot:
    """A point as drawn. `style` is the class of its colour, `cross` the lines of its intervals."""

    mark: Mark
    style: str
    cross: str


@dataclass(frozen=True, slots=True)
class Scatter:
    """Everything that the template draws. `line` joins points in their order, if anything does."""

    axes: Axes
    dots: tuple[Dot, ...]
    labels: tuple[Label, ...]
    line: str


def trade_off_chart(
    points: Sequence[TradeOffPoint], joined: bool = False, y_name: str = _Y_NAME
) -> Scatter:
    """Retain (right is better) against the worst case (below is better).

    Points that no other beats are larger. `joined`: a line leads through all but the references.
    """
    front = [not any(point.is_beaten_by(other) for other in points) for point in points]
    few = len(points) <= MOST_NAMED
    barred = len(points) <= MOST_BARRED
    dots = tuple(_dot(point, best, barred) for point, best in zip(points, front, strict=True))
    wanted = [i for i, point in enumerate(points) if point.is_always_named]
    wanted += [i for i, best in enumerate(front) if (best or few) and i not in wanted]
    named = sorted(wanted[:MOST_NAMED])
    most = MOST_WIDTH if barred else _SHORT
    names = [Name(shortened(points[i].name, most), *_place(points[i])) for i in named]
    steps = [_place(point) for point in points if not point.is_reference]
    lines = [box for point in points for box in _bars(point)] if barred else []
    line = path(steps) if joined and len(steps) > 1 else ""
    lines += _along(steps) if line else []
    taken = [box for dot in dots for box in _taken_by(dot.mark)]
    labels = place_labels(names, [_place(point) for point in points], taken, lines)
    axes = Axes(
        share_ticks(horizontal=True),
        share_ticks(),
        "retain questions answered (more is better)",
        y_name,
    )
    return Scatter(axes, dots, tuple(labels), line)


def _dot(point: TradeOffPoint, best: bool, barred: bool) -> Dot:
    x, y = _place(point)
    tooltip = f"{point.name}: worst case {percent(point.worst_case)}, "
    tooltip += f"retain {percent(point.retain)}" + (f", {point.note}" if point.note else "")
    style = _REFERENCE_STYLE if point.is_reference else point.style
    shape = mark(x, y, style, point.is_open, tooltip, _FRONT_SCALE if best else 1)
    colour = "reference" if point.is_reference else f"s{(style - 1) % N_STYLES + 1}"
    bars = _bars(point) if barred else []
    cross = "".join(path([(bar.left, bar.top), (bar.right, bar.bottom)]) for bar in bars)
    return Dot(shape, colour, cross)


def _taken_by(shape: Mark) -> list[Box]:
    """Where a mark is, and the question mark beside it if it is open."""
    x, y = shape.x, shape.y
    boxes = [Box(x - _HALF_MARK, y - _HALF_MARK, x + _HALF_MARK, y + _HALF_MARK)]
    if shape.is_open:
        boxes.append(Box(x - 17, y - 20, x - 8, y - 5))
    return boxes


def _bars(point: TradeOffPoint) -> list[Box]:
    """The lines of a point's intervals."""
    x, y = _place(point)
    bars = []
    if point.retain_interval is not None:
        low, high = point.retain_interval
        bars.append(Box(x_of(low), y, x_of(high), y))
    if point.worst_case_interval is not None:
        low, high = point.worst_case_interval
        bars.append(Box(x, y_of(high), x, y_of(low)))
    return bars


def _along(steps: Sequence[tuple[float, float]]) -> list[Box]:
    """Small boxes along the line through some points."""
    boxes = []
    for (x, y), (to_x, to_y) in pairwise(steps):
        n = max(1, round(max(abs(to_x - x), abs(to_y - y)) / _PIECE))
        ends = [(x + (to_x - x) * i / n, y + (to_y - y) * i / n) for i in range(n + 1)]
        for (a, b), (c, d) in pairwise(ends):
            boxes.append(Box(min(a, c), min(b, d), max(a, c), max(b, d)))
    return boxes


def _place(point: TradeOffPoint) -> tuple[float, float]:
    return x_of(point.retain), y_of(point.worst_case)
