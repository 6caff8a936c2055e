"""Which words of a text are names, by how the benchmark's own texts write them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from unlearnbench.benchmark.quality.words import ALSO_WORDS, HARMLESS, MONTHS

_WORD = re.compile(r"[^\W_]+(?:[’'.-][^\W_]+)*")
_STARTS = frozenset(".?!:;—–(\"“„«‘'[/|\n*#>_=…")
"""After one of these a capital may only begin a sentence, a title or a field."""
_OFTEN = 0.2
"""A word written small at least this often, for each time it is a capital inside a sentence, is an
ordinary word.
"""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text: `initial` where its capital may only begin a sentence."""

    text: str
    initial: bool

    @property
    def folded(self) -> str:
        """Without case, possessive ending and dots."""
        return bare_word(self.text)


@lru_cache(maxsize=32_768)
def bare_word(word: str) -> str:
    """Fold a word's case, possessive ending and dots between letters away."""
    return re.sub(r"[’']s?$|(?<=[^\W\d])\.", "", word.casefold()).replace("’", "'")


@lru_cache(maxsize=16_384)
def words_of(text: str) -> tuple[Word, ...]:
    """The words of a text, halves of hyphenated ones apart."""
    return tuple(_words(text))


def _words(text: str) -> Iterator[Word]:
    for match in _WORD.finditer(text):
        before = text[: match.start()].rstrip(" \t")
        initial = not before or before[-1] in _STARTS
        for half in match.group().split("-"):
            if half:
                yield Word(half, initial)
                initial = False


def is_cased(text: str) -> bool:
    """Whether a text tells names by capitals: neither a chat's small letters nor a telegram's."""
    words = [word.text for word in words_of(text) if word.text.isalpha() and len(word.text) > 1]
    capitals = sum(word[0].isupper() for word in words)
    return 0 < capitals < 0.6 * max(len(words), 1)


@dataclass(frozen=True, slots=True)
class Casing:
    """What is written with a capital, and what small, in the texts of a benchmark."""

    names: frozenset[str]
    ordinary: frozenset[str]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Casing:
        """Count over all texts that tell names by capitals."""
        capitals: Counter[str] = Counter()
        small: Counter[str] = Counter()
        for text in filter(is_cased, texts):
            for word in words_of(text):
                if word.text[0].islower():
                    small[word.folded] += 1
                elif not word.initial and word.text[0].isupper():
                    capitals[word.folded] += 1
        ordinary = {word for word, n in small.items() if n >= _OFTEN * capitals[word]}
        return cls(frozenset(capitals) - ordinary - HARMLESS, frozenset(ordinary))

    def names_in(self, text: str) -> Iterator[str]:
        """The names of a text as it writes them; in a text without capitals, those known here."""
        cased = is_cased(text)
        for word in words_of(text):
            folded = word.folded
            if (
                len(folded) < 2
                or not folded[0].isalpha()
                or folded in HARMLESS
                or folded[:2] == "i'"
            ):
                continue
            if folded.startswith("i'"):  # I'm, I'd
                named = False
            elif not cased:
                named = (folded in self.names or folded in MONTHS) and folded not in ALSO_WORDS
            elif word.initial:
                named = word.text[0].isupper() and folded in self.names - ALSO_WORDS
            else:
                ordinary = folded in self.ordinary and folded not in MONTHS
                named = word.text[0].isupper() and not ordinary
            if named:
                yield word.text
