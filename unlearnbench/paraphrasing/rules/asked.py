"""What kind of thing a question asks for: a person, a place, a time, a number, a reason, a work.

Told by the question word and the first noun behind it. A candidate that asks for another kind asks
another question (`other-question`); where either cannot be told, nothing is said. English only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from unlearnbench.paraphrasing.candidates import CandidateDoubt
from unlearnbench.paraphrasing.rules.words import AMOUNTS, KINDS, NO_PERSONS

_AUXILIARY = r"(?:do|does|did|is|are|was|were|has|have|had|can|could|will|would|should|may|might)"
_REQUEST = re.compile(
    r"(?P<start>^|[.?!:;\"“—–(,]\s*|\b(?:and|so|but|say|tell|know|asks?|me|us)\s+)?"
    r"(?P<by>\b(?:in|at|on|by|from|to|under|of|with|for|against|through|since|until)\s+)?"
    r"\b(?P<word>which|what|who|whom|where|when|why|how)\b(?P<rest>(?:[\s-]+[\w'’]+){0,8})",
    re.IGNORECASE,
)
_RELATIVE = re.compile(
    r"\W*(?:the|an?|his|her|its|their|this|that|he|she|it|they|we|you|i|[A-Z]\w*)\b"
)
"""What stands behind `in which` where it asks for nothing."""
_NAME_OF = re.compile(
    r"^(?:(?:is|are|was|were)\s+)?(?:the\s+|this\s+|that\s+)?"
    r"(?:(?:\w+\s+)?(?:names?|titles?)\s+of\s+)?(?:the\s+|this\s+|that\s+)?"
)
_OWNS = ("'s", "’s", "'", "’")
_TAIL = re.compile(r"(?:\W+[\w'’]+){0,4}\W*\?\W*$|\W*$")
"""Behind a comma a question word asks if no more than this follows."""
_ASKED = re.compile(
    r"\b(?:name|identify|give|state|supply|provide)\s+(?:me\s+|us\s+)?(?:the|that|this)\s+"
    r"((?:[\w'’-]+\s*){1,6})",
    re.IGNORECASE,
)
_STOPS = re.compile(
    rf"{_AUXILIARY}|of|in|for|who|whose|whom|that|which|when|where|as|than|to|with|and|at|on|from|by|"
    r"about|the|an?|his|her|its|their|this",
    re.IGNORECASE,
)
_AGENTS = frozenset(["person", "organization"])
_DOERS = _AGENTS | {"vessel", "instrument"}
"""What a noun like `maker`, `carrier` or `counter` may stand for."""
_UNKNOWN = "thing"
_PROFESSION = re.compile(r"(?:ist|ician|ant|or|er)s?$")
_CIRCUMSTANCES = frozenset(["number", "reason", "time"])
"""Kinds that a question asks for in so many words, or not at all."""
_ADVERBS = {"where": "place", "when": "time", "why": "reason"}
_LONGEST = 5
"""Letters from which an ending is taken to tell a profession."""


def check_asked(question: str, text: str) -> Iterator[CandidateDoubt]:
    """Whether a text asks for things of another kind than its question does."""
    wanted, asked = kinds_asked(question), kinds_asked(text)
    other = not wanted & asked if wanted - {_UNKNOWN} else asked <= _CIRCUMSTANCES
    if asked and other and _UNKNOWN not in asked:
        instead = f", the question for a {'/'.join(sorted(wanted))}" if wanted else ""
        yield CandidateDoubt("other-question", f"asks for a {'/'.join(sorted(asked))}{instead}")


def kinds_asked(text: str) -> frozenset[str]:
    """The kinds of things a text asks for; `thing` where a noun tells none."""
    kinds = [_kinds(found, text) for found in _REQUEST.finditer(text)]
    kinds += [_noun_kinds(found[1]) for found in _ASKED.finditer(text)]
    return frozenset().union(*kinds)


def _kinds(found: re.Match[str], text: str) -> frozenset[str]:
    word, rest, start = found["word"].lower(), found["rest"].strip(" -"), found["start"]
    if start is None and (not found["by"] or _RELATIVE.match(found["rest"])):
        return frozenset()
    if start and start.startswith(",") and not _TAIL.match(text, found.end("word")):
        return frozenset()
    first = rest.split(" ")[0].lower()
    if word in ("who", "whom"):
        return _AGENTS
    if word == "how" and first in AMOUNTS:
        return frozenset(["number"])
    if word in ("where", "when", "why", "how"):
        asks = word in _ADVERBS and (not first or re.fullmatch(_AUXILIARY, first))
        return frozenset([_ADVERBS[word]] if asks else [])
    return _noun_kinds(_NAME_OF.sub("", rest))


def _noun_kinds(rest: str) -> frozenset[str]:
    """The kinds of the first noun that is known, or of the last of several in a row; where it owns
    something, of what it owns as well.
    """
    owners: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    words = re.findall(r"\w+(?:['’]s?)?", rest)
    for word in words:
        if word[0].isupper():  # a name, or a part of one
            if word.endswith(_OWNS):
                kinds = frozenset()
            continue
        found = _kinds_of(word.lower().removesuffix("'s").removesuffix("’s"), plural=not kinds)
        if _STOPS.fullmatch(word) or (kinds and not found):
            break
        kinds = found or kinds
        if word.endswith(_OWNS):
            owners, kinds = owners | kinds, frozenset()
    known = owners | kinds
    return known or frozenset([_UNKNOWN] if words else [])


def _kinds_of(word: str, *, plural: bool) -> frozenset[str]:
    kind = KINDS.get(word) or (KINDS.get(word.removesuffix("s")) if plural else None)
    if kind:
        return frozenset([kind, _UNKNOWN] if kind == "number" else [kind])
    told = len(word) >= _LONGEST and word.removesuffix("s") not in NO_PERSONS
    return _DOERS if told and _PROFESSION.search(word) else frozenset()
