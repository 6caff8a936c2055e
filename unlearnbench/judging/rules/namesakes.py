"""What shows that a name is somebody else's, or no name at all."""

from __future__ import annotations

from unlearnbench.judging.rules.lists import ENGLISH, LAST_NAMES, PLACES
from unlearnbench.judging.rules.person import GENERATIONS, Person
from unlearnbench.judging.rules.tables import (
    ADDRESSES,
    ARTICLES,
    COUNTRIES,
    DETERMINERS,
    FUNCTION_WORDS,
    GIVEN_NAMES,
    KIND_WORDS,
    NAME_PLACES,
    OWN_LAST_NAMES,
    PARTICLES,
    REGIONS,
    SUFFIXES,
    TITLES,
    TOWN_NAMES,
    WORD_NAMES,
)
from unlearnbench.judging.rules.tokens import Token

_COMMON = WORD_NAMES | ENGLISH
_SMALL = PARTICLES | ARTICLES - {"a", "an", "the"}
_NAMES = GIVEN_NAMES | LAST_NAMES
_NO_NAME = SUFFIXES | FUNCTION_WORDS | KIND_WORDS
_COMMA = 2
"""Signs between two words with a comma between them."""
_BEFORE_NAMES = NAME_PLACES | ADDRESSES


def namesake(person: Person, response: list[Token], index: int, *, alone: bool) -> bool:
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


def goes_on(person: Person, response: list[Token], index: int) -> bool:
    """Whether a name right behind makes this a first name or half of a double one (John Johnson,
    Mackay-Bennett). A thing that is named after the person is a mention like any other.
    """
    token, after = response[index], _right_after(response, index)
    if after is None or not after.raw[0].isupper() or "'" in token.raw:
        return False
    own = (*person.given, person.last)
    if after.text in _NO_NAME or after.text in own or _own_initials(person, after):
        return False
    if token.text in ADDRESSES:
        return True  # Lord Kitchener is no Stanley Lord
    if after.text in ADDRESSES:
        return after.text in _NAMES and after.text not in TITLES
    return after.text in _NAMES or after.text not in ENGLISH


def _own_initials(person: Person, after: Token) -> bool:
    """Whether a word is the person's initials, put behind (Tolkien J.R.R., Rowling JK)."""
    letters = after.raw.replace(".", "").lower()
    return 0 < len(letters) <= len(person.given) and all(
        given[0] == letter for given, letter in zip(person.given, letters, strict=False)
    )


def _right_after(response: list[Token], index: int) -> Token | None:
    """The next word, if nothing but a space or a hyphen stands between."""
    after = response[index + 1] if index + 1 < len(response) else None
    return after if after is not None and after.start - response[index].end <= 1 else None


def named_place(response: list[Token], index: int) -> bool:
    """Whether a lone last name is a town by what follows (Denver, Colorado; Darwin, Australia)."""
    after = response[index + 1 : index + 3]
    if not after or after[0].start - response[index].end != _COMMA or not after[0].raw[0].isupper():
        return False
    names = {after[0].text, " ".join(token.text for token in after)}
    return not names.isdisjoint(REGIONS | COUNTRIES)


def common_word(response: list[Token], index: int) -> bool:
    """Whether a last name is written small as the common word that it also is.

    Where a name can stand (`it was bates`) it is the name; after `a` or `the` it is the word.
    """
    token = response[index]
    known = {token.text, token.text.removesuffix("r"), token.text.removesuffix("er")}
    at = index - 1 if index and response[index - 1].text == "the" else index
    ends = at == index or index + 1 == len(response)
    before = response[at - 1].text if at else "is" if ends else "the"
    if token.raw[0].islower() and before in DETERMINERS:
        return True
    if not token.raw[0].islower() or not known & _COMMON:
        return False
    capitals = any(t.raw[0].isupper() for t in response)
    return capitals and before not in _BEFORE_NAMES


def reversed_other(response: list[Token], index: int) -> Token | None:
    """The given name of a response that is `Last, Given` and no more."""
    if len(response) > 3 or index + 2 != len(response) or index > 1:
        return None
    after = response[index + 1]
    given = after.text in GIVEN_NAMES and after.raw[0].isupper()
    return after if given and after.start - response[index].end == 2 else None


def within_a_name(
    response: list[Token], index: int, own: frozenset[str], *, last_name: bool
) -> bool:
    """Whether a word is a part of somebody's name (Clara Barton for the ship Clara, Adriana Lima
    for the city), which the `own` words of answer and question are not. What may be a `last_name`
    may have a first one before it.
    """
    token = response[index]
    if not token.raw[0].isupper():
        return False
    at = index
    while at and response[at - 1].text in _SMALL and response[at].start - response[at - 1].end == 1:
        at -= 1
    before = response[at - 1] if at else None
    if before is not None and response[at].start - before.end == 1 and not last_name:
        named = before.raw[0].isupper() and before.text not in own
        if named and _is_first_name(before.text, token.text):
            return True
    after = _right_after(response, index)
    if (
        after is None
        or not after.raw[0].isupper()
        or after.text in own
        or after.text in OWN_LAST_NAMES
    ):
        return False
    if after.text in PLACES or after.text in _NO_NAME or after.text in ADDRESSES:
        return False
    first = token.text in GIVEN_NAMES or token.text in TOWN_NAMES
    return after.text in LAST_NAMES and (first or after.text not in ENGLISH)


def _is_first_name(word: str, after: str) -> bool:
    """Whether a word in front of another is somebody's first name."""
    if word in ADDRESSES or word in PLACES:
        return False
    return word in GIVEN_NAMES or (word in LAST_NAMES and word not in ENGLISH and after in _NAMES)
