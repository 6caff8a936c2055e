"""Does a text hold what was to be asked? Compared without white space, and at need folded."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

_DROPPED = {"Mn", "Cf", "Cc"}
"""Accents, invisible and control characters: what normalising tokenizers take away."""


def squeezed(text: str) -> str:
    """A text without its white space."""
    return "".join(text.split())


def folded(text: str) -> str:
    """A text as lower-casing and normalising tokenizers give it back.

    WordPiece decoders write `do not` as `don't`.
    """
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        text = "".join(c for c in decomposed if unicodedata.category(c) not in _DROPPED)
    return squeezed(text.casefold()).replace("donot", "don't")


def missing(
    text: str, contents: Sequence[str], fold: Callable[[str], str] = squeezed
) -> str | None:
    """The first of the contents that `text` does not hold, each after the one before; else None."""
    plain = fold(text)
    start = 0
    for content in contents:
        target = fold(content)
        place = plain.find(target, start)
        if place < 0:
            return content
        start = place + len(target)
    return None
