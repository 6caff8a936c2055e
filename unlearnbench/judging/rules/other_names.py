"""Other names of one thing: in another language or script, by initials, by its people."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import takewhile

from unlearnbench.judging.rules.lists import ENGLISH, PLACES
from unlearnbench.judging.rules.roman import roman_value
from unlearnbench.judging.rules.signs import UNSPACED
from unlearnbench.judging.rules.tables import (
    ABBREVIATIONS,
    ARTICLES,
    COUNTRIES,
    DEMONYMS,
    FUNCTION_WORDS,
    NAMES_ELSEWHERE,
    PARTICLES,
    SHORT_NAMES,
    SUFFIXES,
)
from unlearnbench.judging.rules.text import Text
from unlearnbench.judging.rules.tokens import Token, find, tokenise, words

_COUNTRY_WORDS = frozenset(
    ("country", "countries", "nation", "nations", "nationality", "citizenship", "homeland")
)
_SHARED = frozenset(("subcontinent", "ocean", "peninsula", "gulf", "sea", "language", "languages"))
"""What is called after a country and is not in it alone."""
_NO_PART = ARTICLES | SUFFIXES
_LONGEST = 4
"""Words of the longest name of a place that is looked for."""
_STOP = 2
"""A stop and a space."""
_INFLECTED = 5
"""Letters from which a name of another script may bear an ending of its own (Москва, Москве)."""


def named_elsewhere(gold: Text, question: Text, response: Text) -> str | None:
    """The name of a place or a famous person in another language or script."""
    latin, others = _names(" ".join(word for word in gold.words if word not in _NO_PART))
    if latin:
        spoken = [token.raw.lower() for token in response.tokens]
        runs = range(1, min(_LONGEST, len(spoken)) + 1)
        for n in runs:
            for at in range(len(spoken) - n + 1):
                name = " ".join(spoken[at : at + n])
                if name in latin and not find([name], question.words):
                    return name
    if not others or response.source.isascii():
        return None
    text = unicodedata.normalize("NFKC", response.source).lower()
    return next((name for name in others if _stem(name) in text and _stands(name, text)), None)


def _stem(name: str) -> str:
    """A name without the ending that another case would change."""
    bare = " " in name or len(name) <= _INFLECTED or UNSPACED.search(name) is not None
    return name if bare else name[:-1]


def _stands(name: str, text: str) -> bool:
    """Whether a name stands in a text as a word, or in a script that parts no words."""
    if UNSPACED.search(name):
        return True
    parts = text.replace("-", " ").split()
    bare = [part.strip("\"'.,;:!?()[]«»„“”*_") for part in parts]
    one = any(p.startswith(_stem(name)) and len(p) <= len(name) + 2 for p in bare)
    return one or (" " in name and f" {name} " in f" {' '.join(bare)} ")


@lru_cache(maxsize=4096)
def _names(key: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """Names in Latin letters, and those in other scripts."""
    named = (*_places().get(key, ()), *NAMES_ELSEWHERE.get(key, ()))
    return frozenset(n for n in named if n.isascii()), tuple(n for n in named if not n.isascii())


@cache
def _places() -> dict[str, tuple[str, ...]]:
    """The places by their names as the rules compare them."""
    return {" ".join(words(tokenise(name.title()))): others for name, others in PLACES.items()}


def initials(gold: Text, question: Text, response: Text) -> str | None:
    """The first letters of a name of several words (FDR, KFC); two only where usual (KL), or where
    the answer itself is written with them (J.K. for J. K. Rowling).
    """
    wanted = _initials(gold)
    if not wanted:
        return None
    shouted = not any(c.islower() for c in response.plain) and len(response.tokens) > 2
    for first, after, plain in _runs(response.tokens):
        if plain.upper() not in wanted or plain.lower() in question.words:
            continue
        bare = after == first + 1 and response.tokens[first].raw == plain
        word = plain.lower() in ENGLISH or roman_value(plain) is not None
        if bare and (word or shouted or not (plain.isupper() or len(response.tokens) == 1)):
            continue
        if not _goes_on(response.tokens, after, gold.words):
            return " ".join(token.raw for token in response.tokens[first:after])
    return None


def _runs(tokens: list[Token]) -> Iterator[tuple[int, int, str]]:
    """Stretches `[first, after)` that may be initials, with their letters: one word each (JFK,
    j.f.k.), or several capitals (J. F. K.).
    """
    for index, token in enumerate(tokens):
        plain = token.raw.replace(".", "")
        if len(plain) > 1:
            yield index, index + 1, plain
        elif index == 0 or not _letter(tokens[index - 1]):
            letters = list(takewhile(_letter, tokens[index:]))
            yield index, index + len(letters), "".join(token.raw for token in letters)


def _letter(token: Token) -> bool:
    return len(token.raw) == 1 and token.raw.isupper()


def _goes_on(tokens: list[Token], after: int, own: list[str]) -> bool:
    """Whether another's last name follows the initials (`J.K.R. Tolkien`)."""
    name = tokens[after] if after < len(tokens) else None
    if name is None or not name.raw[0].isupper() or name.text in own:
        return False
    gap = name.start - tokens[after - 1].end
    word = name.text in SUFFIXES | FUNCTION_WORDS or (gap > 1 and name.text in ENGLISH)
    return gap <= _STOP and not word


@lru_cache(maxsize=4096)
def _initials(gold: Text) -> frozenset[str]:
    tokens = [t for t in gold.tokens if t.text not in SUFFIXES]
    usual = {short.upper() for short in SHORT_NAMES.get(" ".join(gold.words), ())}
    usual |= _written(tokens)
    if not 2 < len(tokens) < 7 or any(not t.raw[0].isalpha() for t in tokens):
        return frozenset(usual)
    small = FUNCTION_WORDS | PARTICLES | ARTICLES
    told = [t for t in tokens if t.text not in small]
    if not all(t.raw[0].isupper() for t in told):
        return frozenset(usual)
    ways = {"".join(t.raw[0] for t in some).upper() for some in (tokens, told)}
    return frozenset(usual | {w for w in ways if len(w) > 2 and w.lower() not in ABBREVIATIONS})


def _written(tokens: list[Token]) -> set[str]:
    """The initials with which a name is written (J. R. R. Tolkien, J.K. Rowling)."""
    first = tokens[0].raw if tokens else ""
    dotted = first.replace(".", "").upper() if first.count(".") > 1 else ""
    letters = dotted or "".join(token.raw for token in takewhile(_letter, tokens))
    return {letters} if len(letters) > 1 and len(tokens) > 1 else set()


def of_a_country(gold: Text, question: Text, response: Text) -> str | None:
    """Peruvian for Peru; the other way round where a country or nationality is asked for."""
    name = " ".join(w for w in gold.words if w not in ARTICLES)
    if name not in COUNTRIES and not _COUNTRY_WORDS & set(question.words):
        return None  # Portuguese may be the language
    for other in DEMONYMS.get(name, ()):
        form = other.split()
        if find(form, question.words):
            continue
        ways = (form, [*form[:-1], f"{form[-1]}s"])
        if any(
            _of_the_country(way, at, response) for way in ways for at in find(way, response.words)
        ):
            return other
    return None


def _of_the_country(form: list[str], at: int, response: Text) -> bool:
    """Whether a word for the people of a country stands for it: not in the name of a language or a
    sea, nor written small where it is another word (pole).
    """
    token = response.tokens[response.spelt[at][1]]
    small = form[-1] in ENGLISH and token.raw.islower() and len(response.tokens) > 1
    return not small and [*response.words, ""][at + len(form)] not in _SHARED
