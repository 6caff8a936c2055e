"""Whether a candidate gives the gold answer or a part of it away.

The whole answer, an alias or a part of a name is final: a text that holds it asks for nothing. A
word of the answer that is an ordinary word as well is only doubtful.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz

from unlearnbench.benchmark import plain
from unlearnbench.benchmark.quality.breaches import FUNCTION_WORDS
from unlearnbench.benchmark.quality.casing import is_cased, words_of
from unlearnbench.benchmark.quality.words import HARMLESS
from unlearnbench.paraphrasing.candidates import CandidateDoubt
from unlearnbench.paraphrasing.rules.words import (
    GENERIC,
    KINDS,
    SHORT_NAMES,
    TITLES,
    in_digits,
    is_unspaced,
    unaccented,
)
from unlearnbench.types import Fact

_WHOLE, _PART = "answer-in-question", "answer-in-part"
_COMPACT = 6
"""Letters of an answer that is looked for across the spaces of a text."""
_SHORTEST = 3
"""Letters of a part that is looked for."""
_SPELLING, _SPELT = 86.0, 5
"""Words of so many letters that are so much alike, in percent, are spellings of one."""
_ENDINGS = ("s", "es", "n", "an", "ian", "ese", "ish", "er", "ers", "ic", "ism", "ist", "en", "e")
_ACRONYM = 3
_MUCH = 0.5
"""Share of an answer's words that ordinary ones must make up to be doubtful."""
_LINKS = frozenset(["of", "in", "for", "on", "at", "from", "to", "de", "du", "des", "der", "who"])
_SHORT = frozenset(name for group in SHORT_NAMES for name in group)


@dataclass(frozen=True, slots=True)
class _Part:
    """A word of an answer: `named` if the answer writes it with a capital, `head` if it is the noun
    of a name of several words, which written small says only what kind of thing has the name.
    """

    word: str
    named: bool
    head: bool


def check_answer(fact: Fact, text: str) -> CandidateDoubt | None:
    """The gravest doubt about what a text gives away."""
    golds = _golds(fact)
    for gold in golds:
        if _holds_whole(gold, fact.question, text):
            return CandidateDoubt(_WHOLE, f"holds {gold!r}", final=True)
    found = _parts_in(fact, text)
    named = [
        word
        for part, word in found.items()
        if part.named and part.word not in GENERIC and _is_name(word, text)
    ]
    if named:
        return CandidateDoubt(_WHOLE, f"holds {named[0]!r}, a part of {fact.answer!r}", final=True)
    for gold, parts in golds.items():
        told = [part for part in parts if part in found]
        telling = [p for p in told if p.word not in GENERIC and not p.head]
        if telling and len(told) >= _MUCH * len(parts):
            whole = len(told) == len(parts)
            words = ", ".join(repr(found[part]) for part in told)
            return CandidateDoubt(
                _WHOLE if whole else _PART, f"holds {words} of {gold!r}", final=whole
            )
    return None


def _holds_whole(gold: str, question: str, text: str) -> bool:
    """Whether an answer stands in a text, with or without its spaces, in words or digits."""
    for fold in (unaccented, in_digits):
        if f" {fold(gold)} " in f" {fold(text)} ":
            return True
    one = unaccented(gold).replace(" ", "")
    there, asked = unaccented(text).replace(" ", ""), unaccented(question).replace(" ", "")
    enough = len(one) >= (2 if is_unspaced(gold) else _COMPACT)
    if enough and one in there and one not in asked:
        return True
    return _acronym(gold) in (w.text for w in words_of(text)) and _acronym(gold) not in question


def _acronym(gold: str) -> str:
    """The capitals of a name of several words, or what stands in no text."""
    letters = "".join(w[0] for w in gold.split() if w[:1].isupper())
    return letters if len(letters) >= _ACRONYM else "\0"


@lru_cache(maxsize=1 << 12)
def _golds(fact: Fact) -> dict[str, tuple[_Part, ...]]:
    """The telling words of each answer that its question does not hold; of `Akron, Ohio` the
    first.
    """
    asked = unaccented(fact.question).split()
    golds: dict[str, tuple[_Part, ...]] = {}
    for gold in dict.fromkeys((fact.answer, *fact.aliases)):
        words = [(w, raw[0].isupper()) for raw in gold.split(",")[0].split() for w in _split(raw)]
        head = _head([word for word, _ in words])
        golds[gold] = tuple(
            _Part(word, named or word.isdigit(), named and place == head)
            for place, (word, named) in enumerate(words)
            if not (place == 0 and len(words) > 1 and word in TITLES)
            and _tells(word)
            and not any(_same(word, other) for other in asked)
        )
    return golds


def _split(raw: str) -> list[str]:
    return unaccented(raw).split()


def _head(words: list[str]) -> int:
    """The place of the noun that the others describe, or -1 where there is one word."""
    before = [place - 1 for place, word in enumerate(words) if place and word in _LINKS]
    return -1 if len(words) < 2 else min(before, default=len(words) - 1)


def _tells(word: str) -> bool:
    """Whether a word of an answer is worth looking for by itself."""
    if word in FUNCTION_WORDS or word in HARMLESS:
        return False
    return len(word) >= _SHORTEST or word.isdigit() or word in _SHORT


def _parts_in(fact: Fact, text: str) -> dict[_Part, str]:
    """The parts of the answers that a text holds, each with the text's word."""
    asked = frozenset(unaccented(fact.question).split())
    parts = dict.fromkeys(part for gold in _golds(fact).values() for part in gold)
    found: dict[_Part, str] = {}
    for word in dict.fromkeys(unaccented(text).split()):
        number = in_digits(word)
        if word not in asked:
            for part in parts:
                if _same(part.word, word) or (part.word.isdigit() and part.word == number):
                    found.setdefault(part, word)
    return found


@lru_cache(maxsize=1 << 16)
def _same(part: str, word: str) -> bool:
    """Whether a word is a part of an answer in another form, spelling or short form."""
    if part == word:
        return True
    if any(part in group and word in group for group in SHORT_NAMES):
        return True
    if min(len(part), len(word)) < _SHORTEST or part.isdigit() or word.isdigit():
        return False
    shorter, longer = sorted((part, word), key=len)
    ending = longer.removeprefix(shorter)
    if len(shorter) > _SHORTEST and ending != longer and ending in _ENDINGS:
        return True
    return len(shorter) >= _SPELT and fuzz.ratio(part, word) >= _SPELLING


def _is_name(word: str, text: str) -> bool:
    """Whether a text writes a word as a name, or writes all small as chats do."""
    if not is_cased(text):
        return word not in KINDS
    forms = [w.text for w in words_of(text) if word in plain(w.text).split()]
    return word.isdigit() or not forms or any(form[0].isupper() for form in forms)
