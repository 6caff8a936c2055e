"""What a rule found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """`rule` names the rule that matched, `evidence` the matched stretch."""

    correct: bool
    rule: str
    evidence: str


NO_MATCH = RuleMatch(False, "none", "no form of the answer appears")
