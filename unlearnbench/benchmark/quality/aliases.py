"""Whether an alias lets something else pass: another person of the name, or a word in passing.

A surname or a common word as an alias is only as good as the judge that reads it. So a suspicious
alias is tried: a response that means something else and holds it must not be accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rapidfuzz import fuzz

from unlearnbench.benchmark import plain
from unlearnbench.benchmark.quality.breaches import Breach, JudgeRules, every_text
from unlearnbench.benchmark.quality.casing import Casing
from unlearnbench.benchmark.quality.words import FAMILY, GIVEN, NOUNS
from unlearnbench.types import Fact

_ARTICLES = frozenset(["the", "a", "an", "le", "la", "l", "les", "der", "die", "das", "el", "los"])
_SPELLING = 75.0
"""A word whose letters are so much like a part of a name, in percent, is a spelling of it."""
_OTHER_GIVEN = ("Wilfred", "Ethel")
_OTHER_FAMILY = ("Barton", "Hopkins")


def check_aliases(facts: Sequence[Fact], judge: JudgeRules) -> Iterator[Breach]:
    """Aliases by which a response that means something else would be accepted (`common-alias`), and
    those that are a part of a person's name which the judge accepts anyway (`bare-name`).
    """
    ordinary = Casing.of(text for fact in facts for text in every_text(fact)).ordinary | NOUNS
    for fact in facts:
        for alias in fact.aliases:
            part = _is_part(fact, alias, judge)
            # Of a person's name the judge may take it in itself, which is no fault of the alias.
            traps = (
                trap
                for trap in _traps(fact, alias, ordinary, part)
                if _accepts(fact, trap, judge, alias) and not (part and _accepts(fact, trap, judge))
            )
            trap = next(traps, None)
            if trap is not None:
                what = f"by alias {alias!r}, {trap!r} would count as {fact.answer!r}"
                yield Breach("common-alias", fact.id, what)
            elif part and _accepts(fact, alias, judge):
                what = f"alias {alias!r} is read as a part of {fact.answer!r} without being listed"
                yield Breach("bare-name", fact.id, what)


def _accepts(fact: Fact, response: str, judge: JudgeRules, *alias: str) -> bool:
    """Whether the judge accepts a response by aliases of several words, and by one more."""
    longer = (other for other in fact.aliases if len(_words(other)) > 1)
    return judge.accepts(fact.question, fact.answer, (*longer, *alias), response)


def _is_part(fact: Fact, alias: str, judge: JudgeRules) -> bool:
    """Whether an alias of one word is a part of a person's name, or a spelling of one."""
    word, own = _words(alias), _words(fact.answer)
    if len(word) > 1 or len(own) == 1 or not judge.is_person(fact.answer, fact.question):
        return False
    return any(fuzz.ratio(word[0], other) >= _SPELLING for other in own)


def _traps(fact: Fact, alias: str, ordinary: frozenset[str], part: bool) -> Iterator[str]:
    """Responses that hold an alias of one word and mean something else."""
    word, own = _words(alias), _words(fact.answer)
    if len(word) != 1 or word == own:
        return
    if part or word[0] in GIVEN | FAMILY:
        yield from (f"{given} {alias}" for given in _OTHER_GIVEN if given.casefold() != own[0])
        yield from (f"{alias} {family}" for family in _OTHER_FAMILY)
    named = any(w[:1].isupper() for w in fact.answer.split())
    if named and word[0] in ordinary:
        yield f"It is only a {word[0]} to me, one of many."
        yield f"I would look for the {word[0]} there."


def _words(text: str) -> list[str]:
    words = plain(text).split()
    return [word for word in words if word not in _ARTICLES] or words
