"""Does a gold answer name a person, and in which parts?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, takewhile

from unlearnbench.judging.rules.given_names import name_parts
from unlearnbench.judging.rules.lists import ENGLISH, PLACES
from unlearnbench.judging.rules.tables import (
    ADDRESSES,
    ARTICLES,
    GIVEN_NAMES,
    KIND_WORDS,
    MONONYMS,
    NO_DOER,
    NOBLES,
    PARTICLES,
    PERSON_CUES,
    PHRASE_ENDS,
    SUFFIXES,
    THINGS,
    TITLES,
    WORD_NAMES,
)
from unlearnbench.judging.rules.tokens import Token, tokenise

SEVERAL = re.compile(r"[;/&]|\band\b|,(?!\s*(?:jr|sr|phd)\b)", re.IGNORECASE)
"""What separates the members of a list of persons."""

DOER = re.compile(r"(?:eer|er|or|ist|ian|naut|ress|man|woman|men|women)s?$")
"""Endings of English words for people by what they do."""

_ENDS = PHRASE_ENDS | ARTICLES | {"that", "his", "her", "their"}
_STAGES = frozenset(
    ("film", "movie", "rock", "pop", "television", "basketball", "tennis", "sports")
)
GENERATIONS = {
    **dict.fromkeys(("sr", "senior", "elder"), "elder"),
    **dict.fromkeys(("jr", "junior", "younger", "2"), "younger"),
}


@dataclass(frozen=True, slots=True)
class Person:
    """A gold name taken apart. `number` is a regnal number, which is then part of the name;
    `generation` tells two of one name apart.
    """

    given: tuple[str, ...]
    last: str
    number: str | None
    generation: str | None = None


@lru_cache(maxsize=4096)
def as_person(answer: str, question: str) -> Person | None:
    """The parts of a personal name, or None if the answer does not read as one.

    A given name in front, or initials, make a name whatever the question is; without them the
    question must ask for a person. Where it asks for a ship or a town, nothing is one.
    """
    if SEVERAL.search(answer):
        return None
    tokens = tokenise(answer)
    generation = next((GENERATIONS[t.text] for t in tokens if t.text in GENERATIONS), None)
    tokens = [t for t in tokens if t.text not in SUFFIXES]
    while len(tokens) > 1 and tokens[0].text in ADDRESSES and not _named_so(tokens):
        tokens = tokens[1:]
    cue = asked_for(question)
    if _is_kind(tokens) or cue == "thing":
        return None
    epithet = next((i for i, t in enumerate(tokens) if i and t.text in ("the", "of")), None)
    if epithet is not None:
        alone = epithet == 1 and _own_name(tokens[0]) and cue == "person"
        return Person((), tokens[0].text, None, generation) if alone else None
    number = tokens[-1].text if len(tokens) > 1 and tokens[-1].text.isdigit() else None
    if number is not None:
        tokens = tokens[:-1]
    if not tokens or any(t.text.isdigit() for t in tokens):
        return None
    if not _likely(tokens, cue == "person" or number is not None):
        return None
    if len(tokens) == 1 and number is None:
        return None
    given = tuple(part for t in tokens[:-1] for part in name_parts(t))
    return Person(given, tokens[-1].text, number, generation)


def _own_name(token: Token) -> bool:
    """Whether a word before an epithet names somebody (William the Conqueror), not a thing (Oath of
    Allegiance).
    """
    if not token.raw[0].isupper() or token.text in TITLES | NOBLES:
        return False
    return token.text in GIVEN_NAMES or token.text in MONONYMS or token.text not in ENGLISH


def _named_so(tokens: list[Token]) -> bool:
    """Whether a title in front is a given name here (Duke Ellington), as no other follows it."""
    return tokens[0].text in GIVEN_NAMES and len(tokens) == 2


def _likely(tokens: list[Token], certain: bool) -> bool:
    """Whether words look like a name: capitals throughout, and a given name or initials first."""
    first = tokens[0]
    if not all(t.raw[0].isupper() or t.text in PARTICLES for t in tokens):
        return False
    initial = len(first.raw.replace(".", "")) <= 2 and first.raw.isupper()
    known = first.text in GIVEN_NAMES or "." in first.raw or initial
    return certain or known or _unknown(tokens)


def _unknown(tokens: list[Token]) -> bool:
    """Whether words are no words but names, the first and the last no place (Perkin Warbeck)."""
    ends = (tokens[0], tokens[-1])
    if any(t.raw.isupper() or t.text in PARTICLES | ARTICLES or "'" in t.raw for t in ends):
        return False
    return not any(t.text in ENGLISH or t.text in PLACES or t.text in KIND_WORDS for t in ends)


def _is_kind(tokens: list[Token]) -> bool:
    """Whether a name says what kind of thing it is (`Bay of Pigs`, `Ural Mountains`)."""
    first, last = (tokens[0].text, tokens[-1].text) if tokens else ("", "")
    if last in KIND_WORDS and last not in WORD_NAMES:
        return True
    return first in KIND_WORDS and not any(token.text in GIVEN_NAMES for token in tokens)


@lru_cache(maxsize=4096)
def asked_for(question: str) -> str:
    """`person`, `thing`, or nothing: what a question asks for, by its words.

    Where it asks `which …` or `for the name of …`, only the words of that phrase count: `For what
    firm did the engineer work?` asks for a firm.
    """
    tokens = tokenise(question)
    phrase = _asked_phrase(tokens)
    if not phrase and any(t.text in ("who", "whom", "whose") for t in tokens):
        return "person"
    if any(_person_word(token) for token in phrase or tokens) or _film_star(phrase):
        return "person"
    return "thing" if any(token.text in THINGS for token in phrase) else ""


def _asked_phrase(tokens: list[Token]) -> list[Token]:
    """The noun phrase after the first `which`, `what` or `name of`; empty if there is none."""
    words = [token.text for token in tokens]
    start = next((i + 1 for i, word in enumerate(words) if word in ("which", "what")), None)
    named = next((i + 2 for i in range(len(words) - 1) if words[i : i + 2] == ["name", "of"]), None)
    for place in (start, named):
        if place is None:
            continue
        phrase = list(takewhile(lambda t: t.text not in _ENDS, tokens[place : place + 8]))
        if phrase:
            return phrase
    return []


def _film_star(phrase: list[Token]) -> bool:
    """Whether a phrase asks for a star of the screen, and for none in the sky."""
    return any(b.text == "star" and a.text in _STAGES for a, b in pairwise(phrase))


def _person_word(token: Token) -> bool:
    if token.text in PERSON_CUES or token.text.removesuffix("s") in PERSON_CUES:
        return True
    if token.text in THINGS or not token.raw.islower():
        return False
    return bool(DOER.search(token.text)) and token.text not in NO_DOER
