"""The plot of a division: forgetting against utility, a named point a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unlearnbench.display import visible_line
from unlearnbench.leaderboard.board import Division
from unlearnbench.leaderboard.entry import Entry

MOST_POINTS = 100
"""Rows of a division that are plotted."""
_LETTER, _LINE, _FLIPPED = 6.5, 13, 0.5
"""Width and height of a letter in the plot; from which x on names stand left of their points."""


@dataclass(frozen=True, slots=True)
class Label:
    """Where a name stands, in units of the drawing, and which of its ends is there."""

    x: float
    y: float
    anchor: str


@dataclass(frozen=True, slots=True)
class PlotPoint:
    """A row in the plot; shares, 0 to 1. `front`: no other row is better in both."""

    id: str
    name: str
    anchor: bool
    x: float
    y: float
    front: bool
    label: Label


def plot(division: Division) -> list[PlotPoint]:
    """Points of worst case (x) against retain (y), anchors first."""
    rows = (*division.anchors, *division.rows[:MOST_POINTS])
    labels = _labels(rows)
    return [
        PlotPoint(
            id=row.id,
            name=row.claim.name,
            anchor=number < len(division.anchors),
            x=row.worst,
            y=_retain(row),
            front=not any(_betters(other, row) for other in rows),
            label=labels[number],
        )
        for number, row in enumerate(rows)
    ]


def _retain(row: Entry) -> float:
    return row.scores["retain.mean"].value


def _betters(other: Entry, row: Entry) -> bool:
    leaks, keeps = other.worst - row.worst, _retain(other) - _retain(row)
    return leaks <= 0 <= keeps and (leaks, keeps) != (0, 0)


def _labels(rows: Sequence[Entry]) -> list[Label]:
    """A place for each name: beside its point, below names that stand there already."""
    order = sorted(range(len(rows)), key=lambda n: (-_retain(rows[n]), rows[n].worst))
    taken: list[tuple[float, float, float]] = []
    labels: dict[int, Label] = {}
    for number in order:
        row = rows[number]
        left = row.worst >= _FLIPPED
        x = 60 + 540 * row.worst + (-9 if left else 9)
        width = _LETTER * len(visible_line(row.claim.name))
        start, end = (x - width, x) if left else (x, x + width)
        y = 336 - 320 * _retain(row)
        while any(abs(y - b) < _LINE and start < e and s < end for b, s, e in taken):
            y += 1
        taken.append((y, start, end))
        labels[number] = Label(x, y, "end" if left else "start")
    return [labels[number] for number in range(len(rows))]
