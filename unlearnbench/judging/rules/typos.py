"""Small misspellings, as opposed to other words and names."""

from __future__ import annotations

from functools import lru_cache

from rapidfuzz.distance import OSA

from unlearnbench.judging.rules.lists import ENGLISH, real_words
from unlearnbench.judging.rules.sounds import same_consonants, same_sound
from unlearnbench.judging.rules.tables import (
    CHEMICAL_ENDINGS,
    CONFUSABLE,
    LEARNED_ENDINGS,
    TELLING_BEGINNINGS,
)

SHORTEST = 5
"""Words shorter than this are matched exactly: too many short words are one letter apart."""
_TWO_SLIPS = 10
_ALIKE = frozenset(frozenset(pair) for pair in ("ck", "sz", "cs", "jy", "iy", "vw", "fv"))
"""First letters that are written for one sound."""
_MOST_MORE = 2
"""Letters that a plural or two slips add at most."""


@lru_cache(maxsize=1 << 17)
def is_typo(gold: str, word: str) -> bool:
    """Whether `word` is `gold` or is it misspelt, and is nothing else.

    Another word or name that exists (Austin for Austen, quarts for quartz) is no misspelling.
    """
    if gold == word:
        return True
    near = is_slip(gold, word) or _by_ear(gold, word) or _swapped(gold, word)
    return near and not _exists(gold, word)


def _swapped(gold: str, word: str) -> bool:
    """Whether two neighbours of a short word changed places (Olso)."""
    same = len(gold) == SHORTEST - 1 and gold.isalpha() and sorted(gold) == sorted(word)
    return same and OSA.distance(gold, word) == 1


def _by_ear(gold: str, word: str) -> bool:
    """Whether a word is spelt as it sounds (Brail for braille, Edinborough for Edinburgh)."""
    heard = same_sound(gold, word) or same_consonants(gold, word)
    return heard and _one_kind(gold, word)


@lru_cache(maxsize=1 << 16)
def is_slip(gold: str, word: str) -> bool:
    """Whether `word` is `gold` but for one slip in 5–9 letters, or two from 10 letters on.

    Slips are insertions, deletions, replacements and swaps of neighbours (optimal string
    alignment).
    """
    allowed = 1 if len(gold) < _TWO_SLIPS else 2
    if len(gold) < SHORTEST or abs(len(gold) - len(word)) > allowed or gold[:1] != word[:1]:
        return False
    return _one_kind(gold, word) and OSA.distance(gold, word, score_cutoff=allowed) <= allowed


def _one_kind(gold: str, word: str) -> bool:
    """Whether nothing tells two like words apart: no known pair, no telling ending or beginning."""
    if not gold.isalpha() or not word.isalpha() or confusable(gold, word):
        return False
    told = _other_form(gold, word) or _other_form(word, gold) or _other_stem(gold, word)
    return not told


def confusable(gold: str, word: str) -> bool:
    """Whether two words are near and known to be different things (Monet, Manet)."""
    return frozenset((gold, word)) in CONFUSABLE


def _exists(gold: str, word: str) -> bool:
    """Whether a slip makes another word or name; an inflected form is the same word.

    Long words are only ever a slip away from words of their own family.
    """
    if word == f"{gold}d" or gold == f"{word}d":
        return False
    if gold in ENGLISH:  # a word, which no name is mistaken for
        return word in ENGLISH and len(gold) < _TWO_SLIPS
    return word in real_words() and not (len(gold) >= _TWO_SLIPS and word in ENGLISH)


def _other_form(one: str, two: str) -> bool:
    """Whether two words share a stem and differ by a telling ending (nitrate, nitrite)."""
    for a in CHEMICAL_ENDINGS:
        for b in CHEMICAL_ENDINGS:
            if a != b and one.endswith(a) and two.endswith(b) and one[: -len(a)] == two[: -len(b)]:
                return True
    return False


def _other_stem(one: str, two: str) -> bool:
    """Whether two words of learning differ before their common ending (entomology, etymology) or in
    a telling beginning (hypertension, hypotension).
    """
    for ending in LEARNED_ENDINGS:
        if one.endswith(ending) and two.endswith(ending):
            return one != two and len(one) > len(ending) + 1
    beginnings = {next((b for b in TELLING_BEGINNINGS if w.startswith(b)), "") for w in (one, two)}
    return len(beginnings) == 2


@lru_cache(maxsize=1 << 16)
def same_word(gold: str, word: str) -> bool:
    """Equal, singular and plural of one word, or a small typo."""
    if abs(len(gold) - len(word)) > _MOST_MORE or not _begin_alike(gold, word):
        return False
    if gold == word or is_typo(gold, word):
        return True
    return any(_plural(a) == b for a, b in ((gold, word), (word, gold)))


def _begin_alike(one: str, two: str) -> bool:
    return one[:1] == two[:1] or frozenset((one[:1], two[:1])) in _ALIKE


def _plural(word: str) -> str:
    """Regular plural of a word of four letters or more; shorter ones have none here."""
    if len(word) < 4 or not word.isalpha():
        return word
    irregular = {"mitochondrion": "mitochondria", "nucleus": "nuclei", "bacterium": "bacteria"}
    if word in irregular:
        return irregular[word]
    if word.endswith("y") and word[-2] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "x", "ch", "sh")) else f"{word}s"
