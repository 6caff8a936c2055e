"""Where the name of a point can stand, and what each of these places costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unlearnbench.reporting.charts.frame import BOTTOM, LEFT, TOP, WIDTH
from unlearnbench.reporting.charts.geometry import (
    Box,
    Floats,
    Truths,
    boxes_meet,
    lines_cross_boxes,
    rows_of,
)

HALF_LINE = 7
"""Half the height of a line of text."""
NEXT = 14
"""A name no farther from its point than this stands right beside it."""
_ASIDE = (11, 26, 46, 76, 116, 170, 240)
"""Distances of a name from its point to the side."""
_ROWS = tuple(TOP - 9 + 14 * row for row in range((BOTTOM - TOP) // 14 + 2))
"""Heights that names have in common, so that they stack; beside it the height of the point."""
_COVERED, _LEFT_SIDE, _OVER_MARK = 14, 4, 30
"""What a line below the name, a place on the left, and a mark below the leader cost, in units of
the drawing."""
_ANCHORS = ("start", "end", "middle")


@dataclass(frozen=True, slots=True)
class Place:
    """A rectangle for a name; `end` is where a line from the point meets it."""

    box: Box
    anchor: str
    end: tuple[float, float]
    distance: float


@dataclass(frozen=True, slots=True)
class Places:
    """The places of one name: rectangles and lines to them, [n, 4], anchors and costs, [n]."""

    boxes: Floats
    leaders: Floats
    anchors: Sequence[int]
    costs: Floats

    def best(self, most: int) -> Places:
        """Only so many of the places, the cheapest."""
        kept = slice(most)
        return Places(self.boxes[kept], self.leaders[kept], self.anchors[kept], self.costs[kept])

    def place(self, number: int) -> Place:
        """One of the places."""
        left, top, right, bottom = map(float, self.boxes[number])
        x, y, to_x, to_y = map(float, self.leaders[number])
        distance = float(np.hypot(to_x - x, to_y - y))
        anchor = _ANCHORS[self.anchors[number]]
        return Place(Box(left, top, right, bottom), anchor, (to_x, to_y), distance)


def places_of(
    x: float, y: float, width: float, marks: Sequence[Box], lines: Sequence[Box]
) -> Places:
    """The places inside the drawing for a name of this width that cover no mark, nearest first."""
    heights = sorted({y, y - NEXT, y + NEXT, *_ROWS})
    middles = [
        (x + side * a, height, side) for side in (1, -1) for a in _ASIDE for height in heights
    ]
    middles += [(x, height, 0) for height in heights if abs(height - y) > 2 * HALF_LINE + 2]
    at = np.array(middles)
    side, shift = at[:, 2], np.sign(y - at[:, 1])
    left = np.where(side > 0, at[:, 0], np.where(side < 0, at[:, 0] - width, x - width / 2))
    boxes = np.stack([left, at[:, 1] - HALF_LINE, left + width, at[:, 1] + HALF_LINE], axis=1)
    ends = np.stack([at[:, 0] - 2 * side, at[:, 1] + (side == 0) * shift * HALF_LINE], axis=1)
    leaders = np.concatenate([np.broadcast_to([x, y], ends.shape), ends], axis=1)
    costs = np.hypot(*(ends - [x, y]).T) + _LEFT_SIDE * (side < 0)
    taken, along_lines = rows_of(list(marks)), rows_of(list(lines))
    free = ~boxes_meet(boxes[:, None], taken).any(axis=1) & _inside(boxes)
    boxes, leaders, costs, side = boxes[free], leaders[free], costs[free], side[free]
    costs = costs + _COVERED * boxes_meet(boxes[:, None], along_lines).sum(axis=1)
    others = taken[~boxes_meet(taken, np.array([x - 1, y - 1, x + 1, y + 1]))]
    costs = costs + _OVER_MARK * lines_cross_boxes(leaders[:, None], others).sum(axis=1)
    best = np.argsort(costs, kind="stable")
    anchors = [{1: 0, -1: 1, 0: 2}[int(number)] for number in side[best]]
    return Places(boxes[best], leaders[best], anchors, costs[best])


def _inside(boxes: Floats) -> Truths:
    within = (boxes[:, 0] >= LEFT) & (boxes[:, 2] <= WIDTH - 2)
    found: Truths = within & (boxes[:, 1] >= 2) & (boxes[:, 3] <= BOTTOM + HALF_LINE)
    return found
