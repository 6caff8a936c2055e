"""Places for the names of points: near them, clear of every mark and of each other."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from unlearnbench.display import visible_line
from unlearnbench.reporting.charts.geometry import Box
from unlearnbench.reporting.charts.layout import choose_places
from unlearnbench.reporting.charts.places import NEXT, Place, places_of

MOST_WIDTH = 230
"""Units of the drawing that a name may take; a longer one loses its middle."""
_AMBIGUOUS = 18
"""A name so near to another point is joined to its own by a line."""


@dataclass(frozen=True, slots=True)
class Label:
    """A name, where its baseline begins, ends or has its middle (`anchor`), and its box.

    `leader` is the line from its point, empty where the name stands right beside it.
    """

    text: str
    x: float
    y: float
    anchor: str
    leader: str
    box: Box


@dataclass(frozen=True, slots=True)
class Name:
    """A text, and the point that it names."""

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
    names: Sequence[Name],
    points: Sequence[tuple[float, float]],
    marks: Sequence[Box],
    lines: Sequence[Box] = (),
) -> list[Label]:
    """A place for each name for which there is one, in the order of `names`.

    No name covers a mark or another name; `lines` are covered, and leaders crossed, only where
    nothing better is near. `points` are the middles of all marks, named or not.
    """
    options = [places_of(name.x, name.y, text_width(name.text), marks, lines) for name in names]
    chosen = choose_places(options)
    return [
        _label(name, place, points)
        for name, place in zip(names, chosen, strict=True)
        if place is not None
    ]


def _label(name: Name, place: Place, points: Sequence[tuple[float, float]]) -> Label:
    box = place.box
    x = {"start": box.left, "end": box.right, "middle": (box.left + box.right) / 2}[place.anchor]
    near = box.grown(_AMBIGUOUS)
    others = [at for at in points if at != (name.x, name.y) and near.meets(Box(*at, *at))]
    joined = place.distance > NEXT or others
    leader = f"M{name.x:.1f},{name.y:.1f}L{place.end[0]:.1f},{place.end[1]:.1f}" if joined else ""
    middle = (box.top + box.bottom) / 2
    return Label(name.text, round(x, 1), round(middle + 4, 1), place.anchor, leader, box)
