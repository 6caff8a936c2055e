"""Persons: a last name suffices when it can only mean the person in question."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

from unlearnbench.judging.rules.given_names import middles_in_order, name_parts, same_given
from unlearnbench.judging.rules.longer import inside_longer_name
from unlearnbench.judging.rules.tables import (
    FUNCTION_WORDS,
    GIVEN_NAMES,
    KIND_WORDS,
    MONONYMS,
    NO_DOER,
    NOBLES,
    PARTICLES,
    PERSON_CUES,
    PHRASE_ENDS,
    SUFFIXES,
    TELLING_MIDDLES,
    TITLES,
    WORD_NAMES,
)
from unlearnbench.judging.rules.tokens import Token, tokenise
from unlearnbench.judging.rules.typos import is_typo

SEVERAL = re.compile(r"[;/&]|\band\b|,(?!\s*(?:jr|sr|phd)\b)", re.IGNORECASE)
"""What separates the members of a list of persons."""

DOER = re.compile(r"(?:eer|er|or|ist|ian|naut|ress|man|woman|men|women)s?$")
"""Endings of English words for people by what they do."""


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
    """The parts of a personal name, or None if the answer does not read as one."""
    if SEVERAL.search(answer):
        return None
    tokens = tokenise(answer)
    generation = next((GENERATIONS[t.text] for t in tokens if t.text in GENERATIONS), None)
    tokens = [t for t in tokens if t.text not in SUFFIXES]
    while len(tokens) > 1 and tokens[0].text in TITLES and tokens[0].text not in GIVEN_NAMES:
        tokens = tokens[1:]
    if _is_kind(tokens):
        return None
    epithet = next((i for i, t in enumerate(tokens) if i and t.text in ("the", "of")), None)
    if epithet is not None:
        named = tokens[0].raw[0].isupper() and tokens[0].text not in TITLES | NOBLES
        alone = epithet == 1 and named and _cued(question)
        return Person((), tokens[0].text, None, generation) if alone else None
    number = tokens[-1].text if len(tokens) > 1 and tokens[-1].text.isdigit() else None
    if number is not None:
        tokens = tokens[:-1]
    if not tokens or any(t.text.isdigit() for t in tokens):
        return None
    capital = all(t.raw[0].isupper() or t.text in PARTICLES for t in tokens)
    first = tokens[0]
    initial = len(first.raw.replace(".", "")) <= 2 and first.raw.isupper()
    likely = first.text in GIVEN_NAMES or "." in first.raw or initial or _cued(question)
    if not capital or not (likely or number):
        return None
    if len(tokens) == 1 and number is None:
        return None
    return Person(tuple(t.text for t in tokens[:-1]), tokens[-1].text, number, generation)


def _is_kind(tokens: list[Token]) -> bool:
    """Whether a name says what kind of thing it is (`Bay of Pigs`, `Ural Mountains`)."""
    first, last = (tokens[0].text, tokens[-1].text) if tokens else ("", "")
    kind = first in KIND_WORDS or (last in KIND_WORDS and last not in WORD_NAMES)
    return kind and not any(token.text in GIVEN_NAMES for token in tokens)


def _cued(question: str) -> bool:
    """Whether the question asks for a person: `who`, or a word for somebody who does something.

    Where it asks `which …` or `for the name of …`, only the words of that phrase count: `For what
    firm did the engineer work?` asks for a firm.
    """
    tokens = tokenise(question)
    if tokens and tokens[0].text in ("who", "whom", "whose"):
        return True
    phrase = _asked_for(tokens)
    return any(_person_word(token) for token in phrase or tokens)


def _asked_for(tokens: list[Token]) -> list[Token]:
    """The noun phrase after the first `which`, `what` or `name of`; empty if there is none."""
    words = [token.text for token in tokens]
    start = next((i + 1 for i, word in enumerate(words) if word in ("which", "what")), None)
    named = next((i + 2 for i in range(len(words) - 1) if words[i : i + 2] == ["name", "of"]), None)
    for place in (start, named):
        if place is None:
            continue
        phrase = list(takewhile(lambda t: t.text not in PHRASE_ENDS, tokens[place : place + 8]))
        if phrase:
            return phrase
    return []


def _person_word(token: Token) -> bool:
    if token.text in PERSON_CUES or token.text.removesuffix("s") in PERSON_CUES:
        return True
    return token.raw.islower() and bool(DOER.search(token.text)) and token.text not in NO_DOER


def names_person(person: Person, response: list[Token], question: frozenset[str]) -> str | None:
    """The stretch of the response that names the person, or None.

    A last name counts unless another person's given name stands before it; one that already stands
    in the question counts only together with a given name that does not.
    """
    words = [token.text for token in response]
    own = frozenset((*person.given, person.last))
    for index, token in enumerate(response):
        if not is_typo(person.last, token.text):
            continue
        if person.number is None and inside_longer_name([person.last], words, index, own):
            continue
        capitals = any(t.raw[0].isupper() for t in response)
        if token.raw.islower() and token.text in WORD_NAMES and capitals:
            continue
        chain = _chain(response, index)
        if _namesake(person, response, index, alone=not chain):
            continue
        given = token.text != person.last or token.text in GIVEN_NAMES
        if person.number is None and given and _goes_on(response, index):
            continue
        if not _compatible(person, chain):
            continue
        repeated = person.last in question and person.number is None
        if repeated and not _tells(person, chain, question):
            continue
        start = index - len(chain)
        return " ".join(t.raw for t in response[start : index + 1])
    return _by_mononym(person, response, question)


def _goes_on(response: list[Token], index: int) -> bool:
    """Whether a name right behind makes this a first name or half of a double one (John Johnson,
    Mackay-Bennett).
    """
    token, after = response[index], response[index + 1 : index + 2]
    if not after or after[0].start - token.end > 1 or not after[0].raw[0].isupper():
        return False
    return after[0].text not in TITLES | SUFFIXES | FUNCTION_WORDS


def _by_mononym(person: Person, response: list[Token], question: frozenset[str]) -> str | None:
    """Some people are known by their first name alone (Leonardo, Galileo)."""
    first = person.given[0] if person.given else ""
    if first not in MONONYMS or first in question:
        return None
    for index, token in enumerate(response):
        after = response[index + 1] if index + 1 < len(response) else None
        other = after is not None and after.raw[0].isupper() and after.text not in TITLES
        same_last = after is not None and is_typo(person.last, after.text)
        if token.text == first and (same_last or not other):
            return token.raw
    return None


def _namesake(person: Person, response: list[Token], index: int, *, alone: bool) -> bool:
    """Whether what follows the name makes it another's: a regnal number that is not the person's
    (`Henry VIII`, `Henry the Eighth`), none where there must be one, or the other generation. A
    last name that stands `alone` is told apart by any number (`Strauss II`); a full one may bear
    its own (`Frank F. Borman II`).
    """
    following = [t for t in response[index + 1 : index + 3] if t.text != "the"][:1]
    text = following[0].text if following else ""
    other = GENERATIONS.get(text, person.generation) != person.generation
    if person.number is not None:
        return text != person.number
    numbered = alone and text.isdigit() and text != "1" and following[0].raw.isupper()
    return numbered or (person.generation is not None and other)


def _chain(response: list[Token], index: int) -> list[Token]:
    """Capitalised words right before a last name, without titles and function words."""
    chain: list[Token] = []
    for token in reversed(response[max(0, index - 4) : index]):
        gap = response[index - len(chain)].start - token.end
        initial = len(token.raw.replace(".", "")) <= 2
        named = token.raw[0].isupper() or token.text in PARTICLES
        if gap > 1 + initial or not named or token.text in FUNCTION_WORDS or token.text in TITLES:
            break
        chain.insert(0, token)
    return chain


def _compatible(person: Person, chain: list[Token]) -> bool:
    """Whether the words before a last name can be this person's."""
    names = [part for t in chain if t.text not in PARTICLES for part in name_parts(t)]
    if not names:
        return True
    if not person.given:
        return not any(name in GIVEN_NAMES for name in names)
    given = [name for name in person.given if name not in PARTICLES]
    if not given:
        return True
    # Words such as "Norwegian" may stand before the given name.
    start = next((i for i, name in enumerate(names) if same_given(given[0], name)), None)
    if start is None:
        return any(same_given(g, names[0]) for g in given[1:])
    middles = names[start + 1 :]
    if len(given) == 1 or not middles:
        return not middles or (given[0], middles[0], person.last) not in TELLING_MIDDLES
    return middles_in_order(middles, given[1:]) or middles_in_order(given[1:], middles)


def _tells(person: Person, chain: list[Token], question: frozenset[str]) -> bool:
    """Whether a given name that the question does not hold stands before the last name."""
    return any(t.text in person.given and t.text not in question for t in chain)
