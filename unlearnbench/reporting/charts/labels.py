"""Places for the names of points: near them, clear of every mark and of each other."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from unlearnbench.display import visible_line
from unlearnbench.reporting.charts.frame import BOTTOM, LEFT, WIDTH

MOST_WIDTH = 230
"""Units of the drawing that a name may take; a longer one loses its middle."""
_HALF_LINE, _ASIDE = 7, 11
"""Half the height of a line, and the distance of a name from its point."""
_SHIFTS = (0, *(sign * shift for shift in range(12, 330, 14) for sign in (-1, 1)))
"""Heights of a name relative to its point."""
_CROSSED, _LEFT_SIDE = 14, 4
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


Option = tuple[float, Label]
"""What a place costs, and the place."""


@dataclass(frozen=True, slots=True)
class Name:
    """A text, and the point that it names; `number` tells equal ones apart."""

    number: int
    text: str
    x: float
    y: float


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
    names: Sequence[Name], marks: Sequence[Box], lines: Sequence[Box] = ()
) -> list[Label]:
    """A place for each name for which there is one, by the best of several orders of placing.

    No name covers a mark or another name; lines are crossed only where nothing better is near.
    """
    options = {name: _free_places(name, marks, lines) for name in names}
    orders = (
        names,
        sorted(names, key=lambda name: name.x),
        sorted(names, key=lambda name: name.y),
        sorted(names, key=lambda name: -text_width(name.text)),
        sorted(names, key=lambda name: len(options[name])),
    )
    layouts = [_place_in_order([options[name] for name in order]) for order in orders]
    best = min(layouts, key=lambda chosen: (-len(chosen), sum(cost for cost, _ in chosen)))
    return [label for _, label in best]


def _free_places(name: Name, marks: Sequence[Box], lines: Sequence[Box]) -> list[Option]:
    """Places of a name that cover no mark, the best first."""
    options = [
        (cost + _CROSSED * sum(label.box.meets(line) for line in lines), label)
        for cost, label in _options(name)
        if not any(label.box.meets(mark) for mark in marks)
    ]
    return sorted(options, key=lambda option: option[0])


def _place_in_order(names: Sequence[Sequence[Option]]) -> list[Option]:
    """For each name the best of its places that no earlier one has taken."""
    chosen: list[Option] = []
    for options in names:
        free = (
            option
            for option in options
            if not any(option[1].box.meets(label.box) for _, label in chosen)
        )
        chosen += [option for option in [next(free, None)] if option]
    return chosen


def _options(name: Name) -> Iterator[Option]:
    """Places inside the drawing with what each costs."""
    text, x, y = name.text, name.x, name.y
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
