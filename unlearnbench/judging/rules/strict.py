"""The strict reading: what is denied, said of another role or of a namesake does not count.

By default any mention of the answer counts as known, since whoever names it has it. The strict
reading is for comparing: it leaves out of a response what does not claim the answer, and judges the
rest by the same rules.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from unlearnbench.judging.rules.decide import decide
from unlearnbench.judging.rules.match import RuleMatch
from unlearnbench.judging.rules.normalise import normalise
from unlearnbench.judging.rules.tables import NO, QUALIFIED, REGIONS, ROLES, YES

_CLAUSE = re.compile(r"[^.,;:!?\n]+[.,;:!?\n]*|[.,;:!?\n]+")
_BUT = re.compile(r"\b(?=(?:but|although|though|while|whereas|it(?:'s|\s+is|\s+was))\b)")
_DENIED = re.compile(
    r"\b(?:is|was|are|were|be|do|does|did|has|had)(?:\s+not\b|n't\b)"
    r"|\b(?:is|was|are|were)\s+(?:wrong|incorrect|untrue|mistaken|false)\b",
    re.IGNORECASE,
)
_LEFT_OUT = re.compile(
    r"\b(?:not|never|neither|nor|rather\s+than|instead\s+of|unlike|other\s+than|except)\b.*",
    re.IGNORECASE | re.DOTALL,
)
_OPEN = re.compile(
    r"\bnot\s+(?:only|just|merely|simply)\b"
    r"|\b(?:confuse|mix)\b|n't\s[^?]*\?"
    r"|(?:\bnot|n't)\s+(?:\w+\s+)?(?:sure|certain|know|remember|recall|think\s+of|able|say|tell)\b",
    re.IGNORECASE,
)
"""Denials that deny no answer."""
_IN_REGION = re.compile(
    rf"\b[A-Z][\w'-]+(?:\s[A-Z][\w'-]+)?,\s+({'|'.join(sorted(REGIONS, key=len, reverse=True))})\b",
    re.IGNORECASE,
)
_ROLE_OF = {word: group.split()[0] for group in ROLES for word in group.split()}
_ROLE = "|".join(sorted(_ROLE_OF, key=len, reverse=True))
_IS_NAMED = re.compile(
    rf"\b({_ROLE})\b[^.,;]{{0,30}}\b(?:was|is|named|called)\s"
    rf"|\b(?:was|is|as)\s+(?:an?\s+|the\s+|his\s+|her\s+|their\s+)?(?:\w+\s+){{0,2}}?({_ROLE})\b"
)
_ANY_ROLE = re.compile(rf"\b({_ROLE})s?\b")


def decide_strictly(question: str, answer: str, aliases: Sequence[str], response: str) -> RuleMatch:
    """Whether `response` claims that `answer`, or one of its aliases, is the answer."""
    finding = decide(question, answer, aliases, response)
    if not finding.correct or answer.strip().lower() in YES | NO | {"true", "false"}:
        return finding
    names = " ".join((question, answer, *aliases)).lower()
    claimed = _without_others(normalise(response), _roles(question.lower()), names)
    return finding if claimed is None else decide(question, answer, aliases, claimed)


def _without_others(text: str, roles: frozenset[str], names: str) -> str | None:
    """The text without what claims nothing about the answer; None if that is all of it."""
    clauses = [part for clause in _CLAUSE.findall(text) for part in _BUT.split(clause)]
    kept = [_claimed(clause, roles) for clause in clauses]
    claimed = _without_namesakes("".join(kept), names)
    return None if claimed == text else claimed


def _claimed(clause: str, roles: frozenset[str]) -> str:
    """What of a clause is claimed: nothing where it is denied or said of another role."""
    if not _OPEN.search(clause):
        if _DENIED.search(clause):
            return " "
        clause = _LEFT_OUT.sub(" ", clause)
    said = _roles_said(clause.lower()) if roles else frozenset()
    return " " if said and not said & roles else clause


def _without_namesakes(text: str, names: str) -> str:
    """The text without `Athens, Georgia` and `field hockey` where question and answer lack them."""
    for qualified in QUALIFIED:
        if qualified not in names:
            text = re.sub(rf"\b{qualified}\b", " ", text, flags=re.IGNORECASE)
    return _IN_REGION.sub(lambda m: m.group() if m[1].lower() in names else " ", text)


def _roles(text: str) -> frozenset[str]:
    return frozenset(_ROLE_OF[word] for word in _ANY_ROLE.findall(text))


def _roles_said(clause: str) -> frozenset[str]:
    """The roles that a clause gives to somebody, with all that it mentions if it gives any."""
    return _roles(clause) if _IS_NAMED.search(clause) else frozenset()
