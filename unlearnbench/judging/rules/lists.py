"""Long lists of words and names, which lie in `lists/`; `tests/make_word_lists.py` makes them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).with_name("lists")


def _lines(name: str) -> Iterator[str]:
    text = (_FOLDER / f"{name}.txt").read_text("utf-8")
    return (line for line in text.splitlines() if not line.startswith("#"))


def _words(name: str) -> frozenset[str]:
    return frozenset(word for line in _lines(name) for word in line.split())


GIVEN_NAMES = _words("given_names")
LAST_NAMES = _words("last_names")
ENGLISH = _words("english")
"""Frequent English words that a dictionary writes small."""
PLACES: dict[str, tuple[str, ...]] = {
    name: tuple(other.split(" | "))
    for name, _, other in (line.partition(" = ") for line in _lines("places"))
}
"""A country or city -> what else it is called, in other languages and scripts."""


@cache
def real_words() -> frozenset[str]:
    """Every word and name that the lists hold: what is one of them is no misspelling."""
    of_places = (word for name in PLACES for word in name.split())
    proper = _words("proper") | _words("towns") | frozenset(of_places)
    return ENGLISH | GIVEN_NAMES | LAST_NAMES | proper
