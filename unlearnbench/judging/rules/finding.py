"""What a rule found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """`rule` names the rule that matched, `evidence` the matched stretch."""

    correct: bool
    rule: str
    evidence: str


NOTHING = Finding(False, "none", "no form of the answer appears")
