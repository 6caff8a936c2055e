"""Roughly how names and words sound, so that a spelling by ear is known."""

from __future__ import annotations

import re
from functools import lru_cache

from rapidfuzz.distance import OSA

_SOUNDS = (
    ("dg", "g"), ("ff", "v"), ("ph", "f"), ("ck", "k"), ("th", "t"), ("sch", "s"), ("w", "v"),
    ("z", "s"), ("y", "i"), ("j", "i"), ("ch", "k"), ("c", "k"), ("ie", "i"), ("h", ""),
    ("x", "ks"),
)  # fmt: skip
_SOFT_C = re.compile(r"(?<!s)c(?=[eiy])")
_VOWELS = frozenset("aeiou")
_MOST_MORE = 2
"""Letters that another spelling of one sound adds at most."""
_SHORT = 4
_ALIKE = 0.65
"""Share of the sounds that must agree where two names of a person are both misspelt."""
_LONG, _CONSONANTS = 7, 4
"""Letters and consonants from which a word is known by its consonants alone."""


@lru_cache(maxsize=1 << 14)
def same_sound(one: str, two: str) -> bool:
    """Whether two words of four letters or more sound the same (McDonald, MacDonald)."""
    near = min(len(one), len(two)) > 3 and abs(len(one) - len(two)) <= _MOST_MORE
    return near and sound(one) == sound(two)


@lru_cache(maxsize=1 << 14)
def same_consonants(one: str, two: str) -> bool:
    """Whether two long words differ by their vowels alone (Edinburgh, Edinborough)."""
    if min(len(one), len(two)) < _LONG or abs(len(one) - len(two)) > _MOST_MORE:
        return False
    skeleton = consonants(sound(one))
    return len(skeleton) >= _CONSONANTS and skeleton == consonants(sound(two))


@lru_cache(maxsize=1 << 14)
def like_sound(one: str, two: str) -> bool:
    """Whether two words of four letters or more begin alike and sound much the same (Shaksper)."""
    if min(len(one), len(two)) < _SHORT:
        return False
    ours, theirs = sound(one), sound(two)
    return ours[0] == theirs[0] and OSA.normalized_similarity(ours, theirs) >= _ALIKE


@lru_cache(maxsize=1 << 14)
def sound(word: str) -> str:
    """Roughly how a word sounds, so that Adolf is Adolph and Mark is Marc."""
    word = f"mc{word[3:]}" if word.startswith("mac") else word
    word = f"{word[:-2]}y" if word.endswith(("ey", "ie")) else word
    word = word[:-1] if len(word) > 4 and word.endswith("e") else word
    word = _SOFT_C.sub("s", word)
    for written, spoken in _SOUNDS:
        word = word.replace(written, spoken)
    return "".join(c for i, c in enumerate(word) if i == 0 or c != word[i - 1]) or "-"


def consonants(spoken: str) -> str:
    """The first sound and the consonants after it."""
    return spoken[0] + "".join(c for c in spoken[1:] if c not in _VOWELS)
