"""Places for the names of points: near them, clear of every mark and of each other."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from unlearnbench.display import visible_line
from unlearnbench.reporting.charts.frame import BOTTOM, LEFT, WIDTH

MOST_WIDTH = 190
"""Units of the drawing that a name may take; a longer one loses its middle."""
_HALF_LINE, _ASIDE, _MARK = 7, 11, 9
"""Half the height of a line, the distance of a name from its point, half the size of a mark."""
_SHIFTS = (0, *(sign * shift for shift in range(12, 330, 14) for sign in (-1, 1)))
"""Heights of a name relative to its point."""
_CROSSED, _LEFT_SIDE = 30, 4
"""What crossing a line, or standing left of the point, costs in units of distance."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the drawing; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether the two share some area, or a line without width crosses."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


@dataclass(frozen=True, slots=True)
class Label:
    """A name, where its baseline begins or ends, and the line to its point where that is far."""

    text: str
    x: float
    y: float
    anchor: str
    leader: str
    box: Box


def text_width(text: str) -> float:
    """At most so wide is a text in 12 units of a sans-serif font."""
    return sum(_letter_width(letter) for letter in text)


def _letter_width(letter: str) -> float:
    if unicodedata.east_asian_width(letter) in "WF":
        return 16.5
    if letter in "mwMW@%…—" or not letter.isascii():
        return 12.2
    return 9.8 if letter.isupper() else 7.8


def shortened(name: str, most: float = MOST_WIDTH) -> str:
    """A name of one line; where it is too wide its middle is left out."""
    name = visible_line(name)
    head, tail = (len(name) + 1) // 2, len(name) // 2
    whole = name
    while text_width(name) > most:
        head, tail = (head - 1, tail) if head > tail else (head, tail - 1)
        name = f"{whole[:head].rstrip()}…{whole[len(whole) - tail :].lstrip()}"
    return name


def place_labels(
    names: Sequence[tuple[str, float, float]],
    marks: Sequence[tuple[float, float]],
    lines: Sequence[Box] = (),
) -> list[Label]:
    """A place for each of `names` (text, x and y of its point) for which there is one.

    No name covers a mark or another name; lines are crossed only where nothing better is near.
    """
    boxes = [Box(x - _MARK, y - _MARK, x + _MARK, y + _MARK) for x, y in marks]
    placed: list[Label] = []
    for text, x, y in names:
        options = [
            (cost + _CROSSED * sum(label.box.meets(line) for line in lines), label)
            for cost, label in _options(text, x, y)
            if not any(label.box.meets(box) for box in boxes)
        ]
        if options:
            best = min(options, key=lambda option: option[0])[1]
            placed.append(best)
            boxes.append(best.box)
    return placed


def _options(text: str, x: float, y: float) -> Iterator[tuple[float, Label]]:
    """Places inside the drawing with what each costs."""
    width = text_width(text)
    for shift in _SHIFTS:
        middle = y + shift
        if not _HALF_LINE + 2 <= middle <= BOTTOM:
            continue
        for side, anchor in ((1, "start"), (-1, "end")):
            start = x + side * _ASIDE
            left, right = sorted((start, start + side * width))
            if left < LEFT or right > WIDTH - 2:
                continue
            box = Box(left, middle - _HALF_LINE, right, middle + _HALF_LINE)
            far = abs(shift) > 2 * _HALF_LINE
            leader = f"M{x:.1f},{y:.1f}L{start - side * 2:.1f},{middle:.1f}" if far else ""
            cost = abs(shift) + (_LEFT_SIDE if side < 0 else 0)
            yield cost, Label(text, round(start, 1), round(middle + 4, 1), anchor, leader, box)
