"""Which choice questions can be asked without their choices, decided by rules.

A stem that points at its choices, denies, or is no question has no single answer once the choices
are gone. What a rule leaves out is left out by name, so that it can be counted: nothing is
rewritten, since a question that asks something else would be judged by the wrong gold answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from unlearnbench.benchmark.choices.questions import LetteredQuestion
from unlearnbench.benchmark.matching import holds, plain

LONGEST = 12
"""Words of the longest gold answer that is asked for; a response has 50 tokens."""

_POINTS = re.compile(
    r"\b(?:the following|as follows|of these|these (?:options|choices|answers|statements)|"
    r"(?:options?|choices?|answers?|statements?|items?) (?:below|above|listed|given)|"
    r"(?:listed|given|shown) (?:below|above)|(?:below|above)[?:.]|"
    r"which (?:one )?(?:option|choice|answer|statement)s?\b)",
    re.IGNORECASE,
)
_COMPARES = re.compile(
    r"\b(?:best|most (?:accurate|appropriate|likely|suitable)\w*|closest|more likely|more accurate)"
    r"\b|\b(?:likeliest|which is (?:more|less|most|least))\b",
    re.IGNORECASE,
)
_DENIES = re.compile(
    r"\b(?:except|not|cannot|never|neither|nor|without exception|false|incorrect|incorrectly|"
    r"untrue|wrong|least|unlikely|unrelated|other than)\b|n['’]t\b",
    re.IGNORECASE,
)
_ASKS = re.compile(r"\b(?:what|which|who|whom|whose|when|where|why|how)\b", re.IGNORECASE)
_YES_OR_NO = re.compile(
    r"(?:is|are|was|were|am|do|does|did|can|could|will|would|shall|should|may|might|must|has|have|"
    r"had)\b",
    re.IGNORECASE,
)
_BLANK = re.compile(r"_{2,}|(?:\.{3}|…)\s*\?|\[\s*(?:blank)?\s*\]|\bfill in\b", re.IGNORECASE)
_AMONG = re.compile(
    r"\b(?:all|none|both|neither|either) of (?:the|these|them|those)\b|"
    r"\bthe (?:above|former|latter|aforementioned)\b|\bother (?:options?|choices?|answers?)\b|"
    r"^(?:both|neither|either)\b",
    re.IGNORECASE,
)
_MARK = r"\(?(?:[a-e]|[ivx]+|[1-5])\)?"
_MARKS = re.compile(
    rf"{_MARK}(?:\s*(?:,|and|or|&)\s*{_MARK})+(?:\s+only)?|{_MARK}\s+only", re.IGNORECASE
)
"""Choices that are marks of statements: `A and C`, `I, II only`."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_GUESSED = frozenset(["yes", "no", "true", "false", "correct", "maybe", "unknown"])


def _points(question: LetteredQuestion) -> bool:
    return bool(_POINTS.search(question.question))


def _several_lines(question: LetteredQuestion) -> bool:
    return any("\n" in text or "\r" in text for text in (question.question, gold_text(question)))


def _blank(question: LetteredQuestion) -> bool:
    return bool(_BLANK.search(question.question))


def _no_question(question: LetteredQuestion) -> bool:
    """Its last sentence does not end as a question, or asks for yes or no."""
    last = _SENTENCE.split(question.question)[-1]
    return not last.endswith("?") or not _ASKS.search(last) or bool(_YES_OR_NO.match(last))


def _needs_others(question: LetteredQuestion) -> bool:
    """A choice speaks of the others, or is made of marks of statements."""
    bare = [text.rstrip(".").strip() for text in question.choices]
    return any(_AMONG.search(text) or _MARKS.fullmatch(text) for text in bare)


def _guessed(question: LetteredQuestion) -> bool:
    words = plain(gold_text(question)).split()
    return not words or words[0] in _GUESSED


_RULES: Mapping[str, Callable[[LetteredQuestion], bool]] = {
    "points at its choices": _points,
    "asks for the best of its choices": lambda q: bool(_COMPARES.search(q.question)),
    "denies": lambda q: bool(_DENIES.search(q.question)),
    "has a blank": _blank,
    "is no open question": _no_question,
    "has several lines": _several_lines,
    "has choices that need each other": _needs_others,
    "is answered by yes or no": _guessed,
    "has a long answer": lambda q: len(plain(gold_text(q)).split()) > LONGEST,
    "names its answer": lambda q: holds(q.question, gold_text(q)),
    "has its right choice twice": lambda q: q.choices.count(gold_text(q)) > 1,
}


def why_not_open(question: LetteredQuestion) -> str | None:
    """The first rule by which a question cannot be asked without its choices; None if it can."""
    return next((name for name, applies in _RULES.items() if applies(question)), None)


def repeated_stems(questions: Sequence[LetteredQuestion]) -> Iterator[str | None]:
    """For each question why an equal stem stands in its way, or None.

    Of equal stems with one gold answer the first is asked; with several, none is: each would be
    judged wrong by the answer of the other.
    """
    golds: dict[str, set[str]] = {}
    for question in questions:
        golds.setdefault(plain(question.question), set()).add(plain(gold_text(question)))
    seen: set[str] = set()
    for question in questions:
        stem = plain(question.question)
        if len(golds[stem]) > 1:
            yield "has another answer elsewhere"
        else:
            yield "repeats another" if stem in seen else None
        seen.add(stem)


def gold_text(question: LetteredQuestion) -> str:
    """The text of the right choice."""
    return question.choices[question.gold]
