"""Whether an answer is language at all, which excessive unlearning destroys first."""

from __future__ import annotations

import re
from functools import lru_cache

FLOOR = 0.8
"""Below this share of fluent answers a checkpoint is broken rather than unlearnt: not ranked."""

_LONGEST_PHRASE = 8
_REPEATS = 4
_RUN = re.compile(r"([^\d\s].{0,9}?)\1{7,}", re.DOTALL)
"""Up to ten characters, repeated eight times or more without anything between."""


@lru_cache(maxsize=8192)
def is_fluent(text: str) -> bool:
    """Whether a text says something and does not go round in circles.

    It must hold a letter or a digit, and no phrase of up to eight words four times in a row (nor up
    to ten characters eight times in a row). Whether it makes sense is not looked at: a
    model that writes well-formed nonsense loses its retain score, not this one.
    """
    if not any(character.isalnum() for character in text):
        return False
    return not _loops(re.findall(r"\w+", text.casefold())) and not _RUN.search(text)


def _loops(words: list[str]) -> bool:
    """Whether some phrase stands four times in a row.

    That is: words equal to those one phrase length before them, for three lengths on end.
    """
    for size in range(1, _LONGEST_PHRASE + 1):
        alike = 0
        for index in range(size, len(words)):
            alike = alike + 1 if words[index] == words[index - size] else 0
            if alike == size * (_REPEATS - 1):
                return True
    return False
