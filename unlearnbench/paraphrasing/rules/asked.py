"""What kind of thing a question asks for: a person, a place, a time, a number, a reason, a work.

Told by the question word and the first noun behind it. A candidate that asks for another kind asks
another question (`other-question`); where either cannot be told, nothing is said. English only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from unlearnbench.paraphrasing.candidates import Doubt
from unlearnbench.paraphrasing.rules.words import AMOUNTS, KINDS, NO_PERSONS

_AUXILIARY = r"(?:do|does|did|is|are|was|were|has|have|had|can|could|will|would|should|may|might)"
_REQUEST = re.compile(
    r"(?P<start>^|[.?!:;\"“—–(,]\s*|\b(?:and|so|but|say|tell|know|asks?|me|us)\s+)?"
    r"(?P<by>\b(?:in|at|on|by|from|to|under|of|with|for|against|through|since|until)\s+)?"
    r"\b(?P<word>which|what|who|whom|where|when|why|how)\b(?P<rest>(?:[\s-]+[\w'’]+){0,8})",
    re.IGNORECASE,
)
_RELATIVE = re.compile(r"\W*(?:the|an?|his|her|its|their|this|that|he|she|it|they|[A-Z]\w*)\b")
"""What stands behind `in which` where it asks for nothing."""
_NAME_OF = re.compile(
    r"^(?:(?:is|are|was|were)\s+)?(?:the\s+|this\s+|that\s+)?(?:(?:\w+\s+)?names?\s+of\s+)?"
    r"(?:the\s+|this\s+|that\s+)?"
)
_OWNS = ("'s", "’s", "'", "’")
_TAIL = 60
"""Letters before the end within which a question word behind a comma asks."""
_ASKED = re.compile(
    r"\b(?:name|identify|give|state|supply|provide)\s+(?:me\s+|us\s+)?(?:the|that|this)\s+"
    r"((?:[\w'’-]+\s*){1,4})",
    re.IGNORECASE,
)
_STOPS = re.compile(rf"{_AUXILIARY}|of|in|for|who|that|which|to|with|and|at|on|from|by|about", re.I)
_PROFESSION = re.compile(r"(?:ist|ician|ant|or|man|woman|er)s?$")
_CIRCUMSTANCES = frozenset(["number", "reason", "time"])
"""Kinds that a question asks for in so many words, or not at all."""
_LONGEST = 5
"""Letters from which an ending is taken to tell a profession."""


def check_asked(question: str, text: str) -> Iterator[Doubt]:
    """Whether a text asks for things of another kind than its question does."""
    wanted, asked = kinds_asked(question), kinds_asked(text)
    other = not wanted & asked if wanted else asked <= _CIRCUMSTANCES
    if asked and other:
        instead = f", the question for a {'/'.join(sorted(wanted))}" if wanted else ""
        yield Doubt("other-question", f"asks for a {'/'.join(sorted(asked))}{instead}")


def kinds_asked(text: str) -> frozenset[str]:
    """The kinds of things a text asks for, as far as they can be told."""
    kinds = {_kind(found, text) for found in _REQUEST.finditer(text)}
    kinds |= {_noun_kind(found[1]) for found in _ASKED.finditer(text)}
    return frozenset(kind for kind in kinds if kind)


def _kind(found: re.Match[str], text: str) -> str:
    word, rest, start = found["word"].lower(), found["rest"].strip(" -"), found["start"]
    if start is None and (not found["by"] or _RELATIVE.match(found["rest"])):
        return ""
    if start and start.startswith(",") and found.end("word") < len(text) - _TAIL:
        return ""
    first = rest.split(" ")[0].lower()
    if word in ("who", "whom"):
        return "person"
    if word == "how" and first in AMOUNTS:
        return "number"
    if word in ("where", "when", "why", "how"):
        asks = not first or re.fullmatch(_AUXILIARY, first)
        return {"where": "place", "when": "time", "why": "reason"}.get(word, "") if asks else ""
    return _noun_kind(_NAME_OF.sub("", rest))


def _noun_kind(rest: str) -> str:
    """The kind of the first noun that is known, or of the last of several in a row."""
    kind = ""
    for word in re.findall(r"\w+(?:['’]s?)?", rest.lower()):
        if word.endswith(_OWNS):
            kind = ""
            continue
        single = KINDS.get(word.removesuffix("s"), "")
        found = KINDS.get(word) or ("" if kind else single) or _profession(word)
        if _STOPS.fullmatch(word) or (kind and not found):
            break
        kind = found or kind
    return kind


def _profession(word: str) -> str:
    told = len(word) >= _LONGEST and word.removesuffix("s") not in NO_PERSONS
    return "person" if told and _PROFESSION.search(word) else ""
