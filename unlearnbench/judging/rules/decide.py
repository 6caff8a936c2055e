"""Which rule applies to an answer, and what it finds in a response."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

from unlearnbench.judging.rules.finding import NOTHING, Finding
from unlearnbench.judging.rules.names import as_person, names_person
from unlearnbench.judging.rules.numbered import says_numbered
from unlearnbench.judging.rules.phrase import phrase
from unlearnbench.judging.rules.quantities import Quantity, same_quantity
from unlearnbench.judging.rules.signs import signed
from unlearnbench.judging.rules.synonyms import synonyms
from unlearnbench.judging.rules.tables import (
    FILLER,
    FUNCTION_WORDS,
    GIVEN_NAMES,
    TITLES,
)
from unlearnbench.judging.rules.text import Text, readings
from unlearnbench.judging.rules.tokens import find
from unlearnbench.judging.rules.typos import is_typo
from unlearnbench.judging.rules.years import (
    centuries,
    decades,
    spans,
    whole_century,
    whole_decade,
    whole_span,
)
from unlearnbench.judging.rules.yes_no import yes_no

_SEPARATOR = re.compile(r"\s*(?:,\s*and\s|,\s*&\s|[,;/]|\sand\s|\s&\s)\s*")
_SHORT_YEAR = re.compile(r"(?<!\w)'\d{2}(?![\w'])")
_COUNTING = re.compile(r"\bhow\s+(?:many|much)\b", re.IGNORECASE)


Rule = Callable[[Text, Text, Text], Finding | None]
"""(gold, question, response) -> what was found; None where the rule does not apply to the gold."""


def decide(question: str, answer: str, aliases: Sequence[str], response: str) -> Finding:
    """Whether `response` shows that `answer`, or one of its aliases, is known.

    The first rule that applies to a gold answer decides about it; any gold answer suffices.
    """
    ways = readings(response)
    if not ways[0].plain.strip() and not ways[0].symbols.strip():
        return Finding(False, "none", "the response is empty")
    asked = _text(question)
    for said in ways:
        for gold in _golds(answer, tuple(aliases), asked):
            found = _one(gold, asked, said)
            if found.correct:
                return found
    return NOTHING


@lru_cache(maxsize=4096)
def _golds(answer: str, aliases: tuple[str, ...], asked: Text) -> list[Text]:
    """The answer, its aliases, and what is known to be the same under another name.

    An alias that is only the last name of the person asked for is left to the rule for persons,
    which knows a namesake when it sees one.
    """
    kept = [alias for alias in aliases if not _only_last_name(_text(alias), answer, asked)]
    golds = [_text(gold) for gold in (answer, *kept)]
    unsigned = [gold for gold in golds if not signed(gold)]  # sodium is Na, and not Na+
    others = [_text(other) for gold in unsigned for other in synonyms(gold.words)]
    # What the question itself says is no answer to it (`Which element has the symbol Au?`).
    return golds + [other for other in others if not find(other.words, asked.words)]


def _only_last_name(alias: Text, answer: str, asked: Text) -> bool:
    untitled = [word for word in alias.words if word not in TITLES]
    named = as_person(_text(answer).plain, asked.plain) if len(untitled) == 1 else None
    return named is not None and untitled == [named.last]


@lru_cache(maxsize=4096)
def _text(text: str) -> Text:
    """Questions and answers recur; their views are kept."""
    return Text(text)


def _one(gold: Text, asked: Text, said: Text) -> Finding:
    for rule in (yes_no, date, years, quantity):
        found = rule(gold, asked, said)
        if found is not None:
            return found
    for rule in (phrase, numbered, person, members):
        found = rule(gold, asked, said)
        if found is not None and found.correct:
            return found
    return NOTHING


def date(gold: Text, asked: Text, said: Text) -> Finding | None:
    """A date with a month: every part that the gold gives must be given."""
    golds = [d for d in gold.dates if d.end - d.start >= len(gold.plain.strip()) - 6]
    if not golds:
        return None
    longest = max(golds, key=lambda d: d.end - d.start)
    readings = [d for d in golds if d.end - d.start == longest.end - longest.start]
    for found in said.dates:
        for reading in readings:
            if found.has(reading):
                return Finding(True, "date", said.plain[found.start : found.end])
    return NOTHING


def years(gold: Text, asked: Text, said: Text) -> Finding | None:
    """A span of years, a century or a decade."""
    span = whole_span(gold.plain)
    if span is not None:
        both = set(span) <= {int(q.value) for q in said.quantities}
        found = both or span in spans(said.plain)
        return Finding(True, "years", f"{span[0]}-{span[1]}") if found else NOTHING
    century = whole_century(gold.plain)
    if century is not None:
        within = (
            q for q in said.quantities if q.unit is None and q.era is None and q.value >= 1000
        )
        same = century in centuries(said.plain) or any(
            100 * (century - 1) < q.value <= 100 * century for q in within
        )
        return Finding(True, "years", f"century {century}") if same else None
    decade = whole_decade(gold.plain)
    if decade is None:
        return None
    same = any(d in (decade, decade % 100) for d in decades(said.plain))
    return Finding(True, "years", f"{decade}s") if same else NOTHING


def numbered(gold: Text, asked: Text, said: Text) -> Finding | None:
    """A name that is a word and a number."""
    return Finding(True, "numbered", gold.plain) if says_numbered(gold, asked, said) else None


def quantity(gold: Text, asked: Text, said: Text) -> Finding | None:
    """A number, with or without a unit."""
    wanted = _whole_quantity(gold)
    if wanted is None:
        return None
    plain = wanted.unit is None and wanted.value == int(wanted.value)
    year = plain and 1000 <= wanted.value <= 2100
    text = said.in_units
    if year and f"'{int(wanted.value) % 100:02d}" in _SHORT_YEAR.findall(said.plain):
        return Finding(True, "number", f"'{int(wanted.value) % 100:02d}")
    which_one = len(said.tokens) <= 3 and not _COUNTING.search(asked.plain)
    for quantity_said in said.quantities:
        # `79th` answers a question for a number, but a passing `20th century` does not.
        found = replace(quantity_said, ordinal=False) if which_one else quantity_said
        if found.unit != wanted.unit and _asked_itself(found, asked):
            continue  # `one mile is …` repeats the question
        in_date = not year and any(_overlaps(found, d.start, d.end, text, said) for d in said.dates)
        if in_date or not same_quantity(wanted, found, asked.units):
            continue
        return Finding(True, "number", text[found.start : found.end].strip())
    return NOTHING


def _asked_itself(found: Quantity, asked: Text) -> bool:
    """Whether a number with its unit stands in the question too."""
    if found.unit is None:
        return False
    same = any(q.unit == found.unit and q.value == found.value for q in asked.quantities)
    return same or (found.value == 1 and found.unit in asked.units)


def _overlaps(found: Quantity, start: int, end: int, text: str, said: Text) -> bool:
    """Whether a number stands in a date; both texts are lined up by the number's own digits."""
    return len(text) == len(said.plain) and found.start >= start and found.end <= end + 1


def _whole_quantity(gold: Text) -> Quantity | None:
    """The quantity that a gold answer consists of, fillers aside."""
    text = gold.in_units
    for found in gold.quantities if "√" not in gold.plain else ():
        rest = f"{text[: found.start]} {text[found.end :]}"
        rest = re.sub(r"\b(?:b\.?c\.?e?\.?|a\.?d\.?|ce)(?![a-z])", " ", rest)
        left = [w for w in re.findall(r"[a-z]+", rest) if w not in FILLER]
        digits = re.search(r"\d", rest)
        # One lower-case word may say what is counted (`four chambers`); a capital makes a name.
        counted = found.unit is None and len(left) == 1 and found.value != 1
        if digits is None and (not left or (counted and not _named(gold, left))):
            return found
    return None


def _named(gold: Text, left: list[str]) -> bool:
    """Whether the word beside a number makes it a name (Apollo 11, Henry VIII), not a count."""
    return any(t.raw[0].isupper() and t.raw.lower() in left for t in gold.tokens)


def person(gold: Text, asked: Text, said: Text) -> Finding | None:
    """A last name."""
    near = any(is_typo(name.text, token.text) for name in gold.tokens for token in said.tokens)
    named = as_person(gold.plain, asked.plain) if near else None
    if named is None:
        return None
    stretch = names_person(named, said.tokens, frozenset(asked.words) - FUNCTION_WORDS)
    return Finding(True, "name", stretch) if stretch else None


def members(gold: Text, asked: Text, said: Text) -> Finding | None:
    """Every member of a list, in any order."""
    parts = [part for part in _SEPARATOR.split(gold.plain) if part.strip()]
    if len(parts) < 2:
        return None
    if _first_names(parts) and all(name in said.words for name in _first_names(parts)):
        return Finding(True, "list", "; ".join(_first_names(parts)))
    found = [_one(_text(part), asked, said) for part in parts]
    if not all(f.correct for f in found):
        return None
    return Finding(True, "list", "; ".join(f.evidence for f in found))


def _first_names(parts: list[str]) -> list[str]:
    """The given names of people who share a last name (`Orville and Wilbur Wright`), else none."""
    words = [_text(part).words for part in parts]
    shared = len(words[-1]) == 2 and all(len(w) == 1 for w in words[:-1])
    given = [w[0] for w in words] if shared else []
    return given if set(given) <= GIVEN_NAMES else []
