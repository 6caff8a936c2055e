"""Whether a candidate is one question, or one prompt for an answer, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator

from unlearnbench.paraphrasing.candidates import CandidateDoubt
from unlearnbench.paraphrasing.rules.words import PROMPTS, plain_words

_MOST, _TIMES = 45, 3
"""Words of a candidate, or so many times its question's, whichever is more."""
_LEAST = 3
_MARKUP = re.compile(
    r"\*\*|^\s*#+\s|`|</?[a-z][^>]*>|https?://|^\s*(?:[-*•]|\d+[.)])\s|\n|\\n|\{|\}|\[\w+\]\(",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"^\s*(?:paraphrase|rephrased|reworded|version|variant|option|wording|syntax|situation|"
    r"question|q|answer|a|output)\b\s*\d*\s*[:.)]",
    re.IGNORECASE,
)
_MARK = r"[?？؟;;⸮]"
_ASKS = r"(?:whos?|whom|whose|whats?|which|wheres?|when|why|how)"
_CLAUSE = re.compile(rf"[^.!?]*\b{_ASKS}\b[^.!?]*\?", re.IGNORECASE)
_SECOND = re.compile(
    rf",?\s+and\s+(?:also\s+)?{_ASKS}\s+(?:is|are|was|were|did|does|do|has|had|many)\b"
)
_CLAUSE_WORDS = 3
_OPTIONS = re.compile(
    r"\(\s*[aA1]\s*\).*\(\s*[bB2]\s*\)|\b[A1][.)]\s.*\b[B2][.)]\s"
    r"|\b(?i:was|is) it\b[^.?!]*\bor\b"
    r"|\bor (?:which|what|who|another|someone else|somewhere else)\b"
    r"|:\s*(?:[\w'’-]+\s){1,4}or\s[\w'’-]+(?:\s[\w'’-]+){0,3}\s*\?|\bchoose (?:from|between)\b"
)
_PROMPT = re.compile(
    rf"{_MARK}|_{{2,}}|\.\.\.|…|\b{_ASKS}\b|\b(?:{'|'.join(sorted(PROMPTS))})\b", re.IGNORECASE
)


def check_shape(question: str, text: str, *, english: bool) -> Iterator[CandidateDoubt]:
    """Every fault of form of a text."""
    words, most = plain_words(text), max(_MOST, _TIMES * len(plain_words(question)))
    if len(words) > most:
        yield CandidateDoubt("too-long", f"{len(words)} words, at most {most} are allowed")
    if len(words) < _LEAST:
        yield CandidateDoubt("too-short", f"{len(words)} words, at least {_LEAST} are needed")
    if found := _MARKUP.search(text) or _LABEL.search(text):
        yield CandidateDoubt("markup", f"holds {found.group()!r}")
    if english:
        yield from _asks_once(text)


def _asks_once(text: str) -> Iterator[CandidateDoubt]:
    clauses = [c.strip() for c in _CLAUSE.findall(text) if len(c.split()) >= _CLAUSE_WORDS]
    if len(clauses) > 1:
        yield CandidateDoubt("several-questions", f"asks {len(clauses)} questions")
    elif (second := _SECOND.search(text)) and re.search(
        rf"\b{_ASKS}\b", text[: second.start()], re.IGNORECASE
    ):
        yield CandidateDoubt("several-questions", f"asks again: {second.group().strip(' ,')!r}")
    if found := _OPTIONS.search(text):
        yield CandidateDoubt("options", f"offers a choice: {found.group().strip()!r}")
    if not _PROMPT.search(text):
        yield CandidateDoubt("no-question", "neither asks nor leaves a gap")
