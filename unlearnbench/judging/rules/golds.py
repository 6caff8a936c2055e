"""What counts as the answer: the gold answer, its aliases, and other names of the same."""

from __future__ import annotations

from functools import lru_cache

from rapidfuzz.distance import OSA

from unlearnbench.judging.rules.person import Person, as_person
from unlearnbench.judging.rules.signs import signed
from unlearnbench.judging.rules.sounds import same_sound
from unlearnbench.judging.rules.synonyms import synonyms
from unlearnbench.judging.rules.tables import ADDRESSES
from unlearnbench.judging.rules.text import Text
from unlearnbench.judging.rules.tokens import find
from unlearnbench.judging.rules.typos import is_slip


@lru_cache(maxsize=4096)
def text_of(text: str) -> Text:
    """Questions and answers recur; their views are kept."""
    return Text(text)


@lru_cache(maxsize=4096)
def golds_of(answer: str, aliases: tuple[str, ...], question: Text) -> tuple[Text, ...]:
    """The answer, its aliases, and what is known to be the same under another name.

    An alias that is no more than a person's last name is left to the rule for persons, which knows
    a namesake when it sees one.
    """
    persons = {gold: as_person(text_of(gold).plain, question.plain) for gold in (answer, *aliases)}
    lasts = {person.last for person in persons.values() if person is not None}
    golds = [text_of(answer)]
    ends = _ends(golds[0].words) if persons[answer] is not None else []
    for alias in aliases:
        text = text_of(alias)
        untitled = _untitled(text.words)
        if len(untitled) > 1 and untitled in ends:
            continue
        if len(untitled) > 1 or persons[alias] is not None or not text.words:
            golds.append(text)
        elif untitled[0] not in lasts:
            golds.append(_one_word(alias, answer, persons[answer]))
    unsigned = [gold for gold in golds if not signed(gold)]  # sodium is Na, and not Na+
    renamed = [text_of(other) for gold in unsigned for other in synonyms(gold.words)]
    # What the question itself says is no answer to it (`Which element has the symbol Au?`).
    return (*golds, *(other for other in renamed if not find(other.words, question.words)))


def _ends(words: list[str]) -> list[list[str]]:
    """The ends of a name, which are its last name and what belongs to that."""
    return [words[at:] for at in range(1, len(words) - 1)]


def _untitled(words: list[str]) -> list[str]:
    """The words of a name without the titles before it, if not all are titles."""
    while len(words) > 1 and words[0] in ADDRESSES:
        words = words[1:]
    return words


def _one_word(alias: str, answer: str, person: Person | None) -> Text:
    """An alias of one word: another spelling of a person's last name, a part of a longer name, or a
    name of its own.
    """
    text, whole = text_of(alias), text_of(answer)
    word = text.words[-1]
    if person is not None and person.given and _respelt(person.last, word):
        return text_of(f"{' '.join(person.given).title()} {text.tokens[-1].raw}")
    shorter = word in whole.words and len(whole.words) > 1
    part = alias[:1].isupper() and (shorter or person is not None)
    return Text(alias, part=True) if part else text


def _respelt(last: str, word: str) -> bool:
    """Whether a word is a last name in another, maybe an old spelling (Waad, Wade)."""
    near = last[:2] == word[:2] and OSA.distance(last, word) <= 2
    return near or same_sound(last, word) or is_slip(last, word)
