"""What all charts share: their size, the scales of their axes, and how a point is marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 380
LEFT, RIGHT, TOP, BOTTOM = 62, 570, 18, 328
"""Edges of the plot inside the drawing; the room beside it is for names and ticks."""
N_STYLES = 8
"""So many colours and outlines there are before they repeat."""
_OUTLINES = (
    ((0, -5), (5, 0), (0, 5), (-5, 0)),
    ((-4, -4), (4, -4), (4, 4), (-4, 4)),
    ((0, -5), (5, 4), (-5, 4)),
    ((-5, -4), (5, -4), (0, 5)),
    ((-2, -5), (2, -5), (2, 5), (-2, 5)),
    ((-5, -2), (5, -2), (5, 2), (-5, 2)),
    ((0, -6), (4, -2), (4, 4), (-4, 4), (-4, -2)),
    ((-6, 0), (-2, -4), (4, -4), (4, 4), (-2, 4)),
)
"""Outlines of marks, so that no series is told by its colour alone."""


@dataclass(frozen=True, slots=True)
class Axes:
    """Ticks as (coordinate, label), and the names of the axes."""

    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    x_name: str
    y_name: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = RIGHT
    top: int = TOP
    bottom: int = BOTTOM


@dataclass(frozen=True, slots=True)
class Mark:
    """A point as drawn: its place, its outline, whether anything in it is open, its tooltip."""

    x: float
    y: float
    outline: str
    is_open: bool
    tooltip: str


def mark(x: float, y: float, style: int, is_open: bool, tooltip: str, scale: float = 1) -> Mark:
    """The mark of a point; `style` counts from 1."""
    outline = _OUTLINES[(style - 1) % N_STYLES]
    drawn = f"{path([(x + scale * dx, y + scale * dy) for dx, dy in outline])}Z"
    return Mark(x, y, drawn, is_open, f"{tooltip}, some open" if is_open else tooltip)


def x_of(share: float) -> float:
    """Where a share stands on a horizontal axis of per cent."""
    return round(LEFT + (RIGHT - LEFT) * share, 1)


def y_of(share: float) -> float:
    """Where a share stands on a vertical axis of per cent."""
    return round(BOTTOM - (BOTTOM - TOP) * share, 1)


def share_ticks(horizontal: bool = False) -> tuple[tuple[float, str], ...]:
    """Ticks of an axis of per cent."""
    place = x_of if horizontal else y_of
    return tuple((place(share / 4), f"{25 * share} %") for share in range(5))


def path(points: Sequence[tuple[float, float]]) -> str:
    """A path through some points."""
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points)
