"""Texts that are no language: letters at random, hexadecimal noise, words at random."""

from __future__ import annotations

import re
from itertools import pairwise

from unlearnbench.utility.words import FREQUENT, RARE_PAIRS

_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_VOWEL = re.compile(r"[aeiouyàâäáãåæèéêëìíîïòóôöõøœùúûü]")
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxzñç]{6,}")
_MOJIBAKE = re.compile(r"Ã[^\w\s]|Ã\w|â[€‚]|<0x[0-9A-F]{2}>|<unk>|<\|\w+\|>|\\x[0-9a-f]{2}")
_STRETCH = re.compile(r"[^.,;:!?()\n\"|*=]+")
_SALAD = 12
"""Words in a row, without a comma between, of which ordinary language has some frequent ones."""
_SHARE = 0.34
_LEAST_ODD = 3
_FEW_ODD, _FEW_SHARE = 2, 0.6
_SINGLES = re.compile(r"(?:\b[^\W\d_]\s+){9}[^\W\d_]\b")
"""Ten single letters in a row."""


def is_gibberish(text: str) -> bool:
    """Whether a text in Latin letters is no language at all.

    That is, one of: three or more marks of broken encoding; at least three odd tokens that are a
    third of all, or two that are 60 %; ten single letters in a row; twelve words in a row, nothing
    between them, hardly any of them frequent in one language. A token is odd if it has no vowel,
    six consonants in a row, a pair of letters that hardly any word has, or if letters and digits
    change places inside it. Well-formed nonsense is not seen.
    """
    if len(_MOJIBAKE.findall(text)) >= _LEAST_ODD:
        return True
    tokens = _TOKEN.findall(text)
    odd = sum(map(_is_odd, tokens))
    if odd >= _LEAST_ODD and odd >= _SHARE * len(tokens):
        return True
    if odd >= _FEW_ODD and odd >= _FEW_SHARE * len(tokens):
        return True
    if _SINGLES.search(text):
        return True
    return any(_is_salad(stretch) for stretch in _STRETCH.findall(text))


def _is_odd(token: str) -> bool:
    if any(character.isdigit() for character in token):
        return len(re.findall(r"\d+|[^\W\d]+", token)) > 2
    word = token.casefold()
    if token.isupper() and len(token) <= 4:  # abbreviations
        return False
    if len(word) > 2 and not _VOWEL.search(word):
        return True
    pairs = {first + second for first, second in pairwise(word)}
    return bool(_CONSONANTS.search(word) or pairs & RARE_PAIRS)


def _is_salad(stretch: str) -> bool:
    words = [word.casefold() for word in _TOKEN.findall(stretch)]
    if len(words) < _SALAD or not all(word.isalpha() for word in words):
        return False
    most = max(sum(word in known for word in words) for known in FREQUENT.values())
    return most * _SALAD <= len(words)
