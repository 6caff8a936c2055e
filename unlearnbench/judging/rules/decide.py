"""Which rule applies to a gold answer, and its finding in a response."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain

from unlearnbench.judging.rules.cut_off import cut_off
from unlearnbench.judging.rules.disguises import undisguised
from unlearnbench.judging.rules.golds import golds_of, text_of
from unlearnbench.judging.rules.match import NO_MATCH, RuleMatch
from unlearnbench.judging.rules.names import names_person
from unlearnbench.judging.rules.numbered import says_numbered
from unlearnbench.judging.rules.other_names import initials, named_elsewhere, of_a_country
from unlearnbench.judging.rules.person import as_person
from unlearnbench.judging.rules.phrase import phrase
from unlearnbench.judging.rules.quantities import Quantity
from unlearnbench.judging.rules.same_quantity import same_quantity
from unlearnbench.judging.rules.tables import (
    FILLER,
    FUNCTION_WORDS,
    GIVEN_NAMES,
)
from unlearnbench.judging.rules.text import Text, interpretations
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
_SHORT_YEAR = re.compile(
    r"(?<!\w)'(\d{2})(?![\w'])|\b(?:in|of|since|from|during|until|by) (\d{2})(?=\s*(?:[.;!?)]|$))",
    re.IGNORECASE,
)
"""A year by its last two digits: '61, or `in 61` and no more."""
_COUNTING = re.compile(r"\bhow\s+(?:many|much)\b", re.IGNORECASE)


Rule = Callable[[Text, Text, Text], RuleMatch | None]
"""(gold, question, response) -> finding; None where the rule does not apply to the gold."""


KEPT = 1 << 15
"""Findings that are kept: answers recur, within a run and where it is judged again."""
LONGEST_KEPT = 500
"""Most characters of an answer whose finding is kept."""


def decide(question: str, answer: str, aliases: Sequence[str], response: str) -> RuleMatch:
    """Whether `response` shows that `answer`, or one of its aliases, is known.

    The first rule that applies to a gold answer decides about it; any gold answer suffices.
    """
    given = (question, answer, tuple(aliases), response)
    return _kept(*given) if len(response) <= LONGEST_KEPT else _found(*given)


@lru_cache(maxsize=KEPT)
def _kept(question: str, answer: str, aliases: tuple[str, ...], response: str) -> RuleMatch:
    return _found(question, answer, aliases, response)


def _found(question: str, answer: str, aliases: tuple[str, ...], response: str) -> RuleMatch:
    ways = interpretations(response)
    question_text = text_of(question)
    golds = golds_of(answer, aliases, question_text)
    for reading in chain(ways, undisguised(ways[0], golds, question_text)):
        for gold in golds:
            finding = _one(gold, question_text, reading)
            if finding.correct:
                return finding
    empty = not ways[0].plain.strip() and not ways[0].symbols.strip()
    return RuleMatch(False, "none", "the response is empty") if empty else NO_MATCH


def _one(gold: Text, question: Text, response: Text) -> RuleMatch:
    for rule in (yes_no, date, years, quantity):
        finding = rule(gold, question, response)
        if finding is not None:
            return finding
    for rule in (phrase, numbered, person, members, other_name, ending):
        finding = rule(gold, question, response)
        if finding is not None and finding.correct:
            return finding
    return NO_MATCH


def date(gold: Text, _: Text, response: Text) -> RuleMatch | None:
    """A date with a month: every part that the gold gives must be given."""
    golds = [d for d in gold.dates if d.end - d.start >= len(gold.plain.strip()) - 6]
    if not golds:
        return None
    longest = max(golds, key=lambda d: d.end - d.start)
    readings = [d for d in golds if d.end - d.start == longest.end - longest.start]
    for stated in response.dates:
        for reading in readings:
            if stated.has(reading):
                return RuleMatch(True, "date", response.plain[stated.start : stated.end])
    return NO_MATCH


def years(gold: Text, _: Text, response: Text) -> RuleMatch | None:
    """A span of years, a century or a decade."""
    span = whole_span(gold.plain)
    if span is not None:
        both = set(span) <= {int(q.value) for q in response.quantities}
        given = both or span in spans(response.plain)
        return RuleMatch(True, "years", f"{span[0]}-{span[1]}") if given else NO_MATCH
    century = whole_century(gold.plain)
    if century is not None:
        within = (
            q for q in response.quantities if q.unit is None and q.era is None and q.value >= 1000
        )
        same = century in centuries(response.plain) or any(
            100 * (century - 1) < q.value <= 100 * century for q in within
        )
        return RuleMatch(True, "years", f"century {century}") if same else None
    decade = whole_decade(gold.plain)
    if decade is None:
        return None
    same = any(d in (decade, decade % 100) for d in decades(response.plain))
    return RuleMatch(True, "years", f"{decade}s") if same else NO_MATCH


def numbered(gold: Text, question: Text, response: Text) -> RuleMatch | None:
    """A name that is a word and a number."""
    named = says_numbered(gold, question, response)
    return RuleMatch(True, "numbered", gold.plain) if named else None


def quantity(gold: Text, question: Text, response: Text) -> RuleMatch | None:
    """A number, with or without a unit."""
    expected = _whole_quantity(gold)
    if expected is None:
        return None
    plain = expected.unit is None and expected.value == int(expected.value)
    year = plain and 1000 <= expected.value <= 2100
    text = response.in_units
    for match in _SHORT_YEAR.finditer(response.plain) if year else ():
        if int(match[1] or match[2]) == expected.value % 100:
            return RuleMatch(True, "number", match.group())
    if year and any(d.of_year(int(expected.value)) for d in response.dates):
        return RuleMatch(True, "number", f"{int(expected.value)} in a date")
    which_one = len(response.tokens) <= 3 and not _COUNTING.search(question.plain)
    for number in response.quantities:
        # `79th` answers a question for a number, but a passing `20th century` does not.
        stated = replace(number, ordinal=False) if which_one else number
        if stated.unit != expected.unit and _in_question(stated, question):
            continue  # `one mile is …` repeats the question
        dates = () if year else response.dates
        in_date = any(_overlaps(stated, d.start, d.end, text, response) for d in dates)
        if in_date or not same_quantity(expected, stated, question.units):
            continue
        return RuleMatch(True, "number", text[stated.start : stated.end].strip())
    return NO_MATCH


def _in_question(stated: Quantity, question: Text) -> bool:
    """Whether a number with its unit stands in the question too."""
    if stated.unit is None:
        return False
    same = any(q.unit == stated.unit and q.value == stated.value for q in question.quantities)
    return same or (stated.value == 1 and stated.unit in question.units)


def _overlaps(stated: Quantity, start: int, end: int, text: str, response: Text) -> bool:
    """Whether a number stands in a date; both texts are lined up by the number's own digits."""
    return len(text) == len(response.plain) and stated.start >= start and stated.end <= end + 1


def _whole_quantity(gold: Text) -> Quantity | None:
    """The quantity that a gold answer consists of, fillers aside."""
    text = gold.in_units
    for number in gold.quantities if "√" not in gold.plain else ():
        rest = f"{text[: number.start]} {text[number.end :]}"
        rest = re.sub(r"\b(?:b\.?c\.?e?\.?|a\.?d\.?|ce)(?![a-z])", " ", rest)
        words = [w for w in re.findall(r"[a-z]+", rest) if w not in FILLER]
        digits = re.search(r"\d", rest)
        # One lower-case word may say what is counted (`four chambers`); a capital makes a name.
        counted = number.unit is None and len(words) == 1 and number.value != 1
        if digits is None and (not words or (counted and not _named(gold, words))):
            return number
    return None


def _named(gold: Text, words: list[str]) -> bool:
    """Whether the word beside a number makes it a name (Apollo 11, Henry VIII), not a count."""
    return any(t.raw[0].isupper() and t.raw.lower() in words for t in gold.tokens)


def person(gold: Text, question: Text, response: Text) -> RuleMatch | None:
    """A last name."""
    named = as_person(gold.plain, question.plain)
    if named is None:
        return None
    stretch = names_person(named, response.tokens, frozenset(question.words) - FUNCTION_WORDS)
    return RuleMatch(True, "name", stretch) if stretch else None


def other_name(gold: Text, question: Text, response: Text) -> RuleMatch | None:
    """The answer in another language or script, its initials, or the people of a country."""
    for found in (named_elsewhere, initials, of_a_country):
        evidence = found(gold, question, response)
        if evidence is not None:
            return RuleMatch(True, "other-name", evidence)
    return None


def ending(gold: Text, question: Text, response: Text) -> RuleMatch | None:
    """The answer, cut off where the response ends."""
    left = cut_off(gold, question, response)
    return RuleMatch(True, "cut-off", left) if left else None


def members(gold: Text, question: Text, response: Text) -> RuleMatch | None:
    """Every member of a list, in any order."""
    parts = [part for part in _SEPARATOR.split(gold.plain) if part.strip()]
    if len(parts) < 2:
        return None
    if _first_names(parts) and all(name in response.words for name in _first_names(parts)):
        return RuleMatch(True, "list", "; ".join(_first_names(parts)))
    findings = [_one(text_of(part), question, response) for part in parts]
    if not all(f.correct for f in findings):
        return None
    return RuleMatch(True, "list", "; ".join(f.evidence for f in findings))


def _first_names(parts: list[str]) -> list[str]:
    """The given names of people who share a last name (`Orville and Wilbur Wright`), else none."""
    words = [text_of(part).words for part in parts]
    shared = len(words[-1]) == 2 and all(len(w) == 1 for w in words[:-1])
    names = [w[0] for w in words] if shared else []
    return names if set(names) <= GIVEN_NAMES else []
