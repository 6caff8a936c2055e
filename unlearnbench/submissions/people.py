"""Whether two names that strangers give are one person's, as far as names tell."""

from __future__ import annotations

import unicodedata

_ALIKE = str.maketrans(
    "\u0430\u0432\u0435\u0437\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0455\u0456"
    "\u0458\u04bb\u0501\u051b\u051d\u03b1\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u03c9"
    "\u0131\u026a\u1d00\u1d07\u0280\u1d0f\u0274\u1d1b\u00f8\u0142\u0111",
    "abe3kmhopctyxsijhdqwaikvoptuxwiiaerontold",
)
"""Letters of other alphabets, after case folding, and the Latin ones that they look like."""


def same_person(first: str, second: str) -> bool:
    """Whether two names are equal up to case, width, spaces, signs, accents and letters of another
    alphabet that look the same, or one is `Last, First` of the other.
    """
    return not _spellings(first).isdisjoint(_spellings(second))


def _spellings(name: str) -> set[str]:
    """The ways to read a name as letters and digits alone; the name itself if it has none."""
    last, comma, first = name.partition(",")
    orders = [name, f"{first} {last}"] if comma else [name]
    return {_folded(order) or order for order in orders}


def _folded(name: str) -> str:
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    return "".join(c for c in plain.translate(_ALIKE) if c.isalnum() or _is_vowel(c))


def _is_vowel(character: str) -> bool:
    """Whether a mark is a letter of its script, as in Hindi, and not an accent."""
    return unicodedata.category(character)[0] == "M" and not 0x300 <= ord(character) <= 0x36F
