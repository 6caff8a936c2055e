"""Texts that stand still: the same words again and again."""

from __future__ import annotations

import re

_NUMBERED = re.compile(r"^\s*(?:\d+[.)]|[-*•])\s+", re.MULTILINE)
_SYLLABLES = re.compile(r"([^\W\d_].{0,9}?)\1{7,}", re.DOTALL)
"""Up to ten characters, eight times or more without anything between."""
_TIMES = 4
_LONG, _TIMES_LONG = 12, 3
_PART = 1 / 3
_MOST_REPEATED = 0.45
_ENOUGH_WORDS = 20


def is_looping(text: str) -> bool:
    """Whether the same words keep coming back.

    That is, one of: up to ten characters eight times on end; a phrase four times on end, or three
    times if that is twelve words or more, where this is at least a third of the text; or, from
    twenty words on, three-word phrases of which 45 % have stood in the text before. Numbers and
    dots before the items of a list are left out.
    """
    plain = _NUMBERED.sub("", text)
    words = re.findall(r"\w+", plain.casefold())
    if _SYLLABLES.search(plain) or _goes_round(words):
        return True
    triples = list(zip(words, words[1:], words[2:], strict=False))
    repeated = len(triples) - len(set(triples))
    return len(words) >= _ENOUGH_WORDS and repeated >= _MOST_REPEATED * len(triples)


def _goes_round(words: list[str]) -> bool:
    for size in range(1, len(words) // _TIMES_LONG + 1):
        times = _TIMES_LONG if size * _TIMES_LONG >= _LONG else _TIMES
        covered = size + _longest_echo(words, size)
        if covered >= size * times and covered >= _PART * len(words):
            return True
    return False


def _longest_echo(words: list[str], size: int) -> int:
    """Most words on end that equal those `size` words before them."""
    longest = alike = 0
    for index in range(size, len(words)):
        alike = alike + 1 if words[index] == words[index - size] else 0
        longest = max(longest, alike)
    return longest
