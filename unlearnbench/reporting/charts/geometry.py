"""Rectangles and lines of a drawing, and which of them meet; many at once with numpy.

A rectangle is a row (left, top, right, bottom), a line a row (x, y, to_x, to_y); y grows downwards.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the drawing."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether the two share some area, or a line without width crosses."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def grown(self, by: float) -> Box:
        """The rectangle with a margin around it."""
        return Box(self.left - by, self.top - by, self.right + by, self.bottom + by)


def rows_of(boxes: list[Box]) -> Floats:
    """Rectangles as rows, [n, 4]."""
    return np.array([astuple(box) for box in boxes], dtype=np.float64).reshape(-1, 4)


def boxes_meet(some: Floats, others: Floats) -> Truths:
    """Whether rectangles meet, broadcast over all but the last axis."""
    across = (some[..., 0] < others[..., 2]) & (others[..., 0] < some[..., 2])
    down = (some[..., 1] < others[..., 3]) & (others[..., 1] < some[..., 3])
    found: Truths = across & down
    return found


def lines_cross_boxes(lines: Floats, boxes: Floats) -> Truths:
    """Whether lines pass through rectangles, broadcast over all but the last axis."""
    entered = np.zeros(np.broadcast_shapes(lines.shape[:-1], boxes.shape[:-1]))
    left = np.ones_like(entered)
    for axis in (0, 1):
        start, length = lines[..., axis], lines[..., axis + 2] - lines[..., axis]
        # A line along the other axis is inside between two sides all the way, or never.
        length = np.where(np.abs(length) < 1e-9, 1e-9, length)
        one, two = (boxes[..., axis] - start) / length, (boxes[..., axis + 2] - start) / length
        entered = np.maximum(entered, np.minimum(one, two))
        left = np.minimum(left, np.maximum(one, two))
    found: Truths = entered < left
    return found


def lines_cross(some: Floats, others: Floats) -> Truths:
    """Whether lines cross each other, broadcast over all but the last axis."""
    apart = _side(some, others[..., :2]) * _side(some, others[..., 2:]) < 0
    found: Truths = apart & (_side(others, some[..., :2]) * _side(others, some[..., 2:]) < 0)
    return found


def _side(lines: Floats, points: Floats) -> Floats:
    """On which side of lines points are, by the sign."""
    x, y = lines[..., 2] - lines[..., 0], lines[..., 3] - lines[..., 1]
    side: Floats = x * (points[..., 1] - lines[..., 1]) - y * (points[..., 0] - lines[..., 0])
    return side
