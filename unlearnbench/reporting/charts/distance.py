"""What is still answered by distance from the forgotten facts: the checkpoint, and its base."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unlearnbench.display import percent
from unlearnbench.reporting.charts.curves import Curves, Series, spread
from unlearnbench.reporting.charts.frame import (
    LEFT,
    RIGHT,
    Axes,
    Mark,
    mark,
    path,
    share_ticks,
    y_of,
)

MODEL, BASE = "this model", "base model"
FORGOTTEN = "forgotten"
_WORST_STYLE = 3
"""Outline of the worst case, which stands beside the line."""
_EDGE = 60
"""Room between the edges of the plot and the first and last place."""


@dataclass(frozen=True, slots=True)
class RingShare:
    """A share from 0 to 1 with its 95 % interval; `is_open`: some of it has no verdict."""

    value: float
    low: float
    high: float
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Ring:
    """One distance: what the checkpoint answers there, and its base; at 0 in the worst case too."""

    name: str
    model: RingShare
    base: RingShare | None
    worst: RingShare | None = None
    base_worst: RingShare | None = None


def distance_chart(places: Sequence[Ring]) -> Curves | None:
    """The share answered at each place, near to far, a line a model with its 95 % band.

    The first place is that of the forget facts, where the worst case is a mark of its own. None
    without any other place.
    """
    if len(places) < 2:
        return None
    step = (RIGHT - LEFT - 2 * _EDGE) / (len(places) - 1)
    at = [round(LEFT + _EDGE + step * number, 1) for number in range(len(places))]
    lines = {MODEL: [place.model for place in places]}
    before = [place.base for place in places if place.base is not None]
    if len(before) == len(places):
        lines[BASE] = before
    heights = spread({name: y_of(shares[-1].value) for name, shares in lines.items()})
    names = [place.name for place in places]
    worst = {MODEL: places[0].worst, BASE: places[0].base_worst}
    series = [
        _series(name, style, tuple(zip(names, at, shares, strict=True)), worst[name], heights[name])
        for style, (name, shares) in enumerate(lines.items(), start=1)
    ]
    ticks = tuple(zip(at, names, strict=True))
    axes = Axes(ticks, share_ticks(), "distance from the forgotten facts", "questions answered")
    return Curves(axes, tuple(series))


def _series(
    name: str,
    style: int,
    at: Sequence[tuple[str, float, RingShare]],
    worst: RingShare | None,
    label: float,
) -> Series:
    values, upper, lower = (
        [(x, y_of(getattr(share, end))) for _, x, share in at] for end in ("value", "high", "low")
    )
    marks = [_mark(name, place, x, share, style) for place, x, share in at]
    if worst is not None:
        place, x, _ = at[0]
        marks.insert(0, _mark(name, f"{place}, worst case", x, worst, _WORST_STYLE))
    band = f"{path([*upper, *reversed(lower)])}Z"
    return Series(name, style, path(values), band, tuple(marks), label)


def _mark(name: str, place: str, x: float, share: RingShare, style: int) -> Mark:
    text = f"{name}, {place}: {percent(share.value)}"
    return mark(x, y_of(share.value), style, share.is_open, text)
