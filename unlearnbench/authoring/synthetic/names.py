"""Invented names: words that sound like nothing real and like no other of them."""

from __future__ import annotations

import random

from rapidfuzz import fuzz, process

from unlearnbench.benchmark.quality.words import FAMILY, GIVEN, NOUNS

_ONSETS = (
    *("b", "br", "d", "dr", "f", "g", "gl", "h", "j", "k", "kl", "l", "m"),
    *("n", "p", "pl", "r", "s", "st", "t", "tr", "v", "z"),
)
_VOWELS = ("a", "e", "i", "o", "u")
_ENDS = ("k", "l", "m", "n", "r", "s", "sh", "th", "x")
_LEAST, _MOST_ALIKE = 6, 66.0
"""Letters of a name, and how alike, in percent, the letters of two may be: a judge that forgives
misspellings must not take one for the other."""
_REAL = GIVEN | FAMILY | NOUNS


class Names:
    """Draws names by a seed; each is given out once."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"{seed}/names")
        self._taken: list[str] = []

    def draw(self) -> str:
        """One more name, of one word."""
        while True:
            word = self._word()
            alike = process.extractOne(
                word, self._taken, scorer=fuzz.ratio, score_cutoff=_MOST_ALIKE
            )
            if len(word) >= _LEAST and word not in _REAL and alike is None:
                self._taken.append(word)
                return word.capitalize()

    def _word(self) -> str:
        choose = self._random.choice
        syllables = choose((2, 3))
        body = "".join(choose(_ONSETS) + choose(_VOWELS) for _ in range(syllables))
        return body + choose(_ENDS)
