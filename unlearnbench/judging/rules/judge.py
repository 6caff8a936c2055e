"""Judge `rules`: does a response show that the answer is known?

Who changes a verdict raises `RULES_VERSION` and freezes the table of verdicts anew: see
`judges/README.md`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from unlearnbench.errors import JudgeError
from unlearnbench.hashing import sha256_json, sha256_text
from unlearnbench.judging.rules.decide import decide
from unlearnbench.judging.rules.match import RuleMatch
from unlearnbench.paths import content_root
from unlearnbench.types import JudgeItem, Judgement, Verdict

__all__ = ["RULES_VERSION", "RuleMatch", "RulesJudge", "decide"]

RULES_VERSION = "3"
"""Raised with every change of behaviour; a part of the judge's identity."""


class RulesJudge:
    """The rules as a judge; needs nothing and never fails."""

    name = "rules"

    @property
    def identity(self) -> str:
        """sha256 of the rules' version and of the verdicts that are frozen for it."""
        return _identity()

    def judge(self, items: Sequence[JudgeItem]) -> Iterator[Judgement]:
        """A verdict for every item; `raw` is the rule and the evidence."""
        for item in items:
            finding = decide(item.question, item.answer, item.aliases, item.response)
            verdict: Verdict = "correct" if finding.correct else "incorrect"
            raw = f"{finding.rule}: {finding.evidence}"
            yield Judgement(item.key, verdict, self.identity, raw)


@lru_cache(maxsize=1)
def _identity() -> str:
    path = content_root() / "judges" / "rules" / "frozen.jsonl"
    try:
        frozen = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise JudgeError(f"{path}: cannot be read: {error}; install the package again") from error
    return sha256_json(["rules", RULES_VERSION, sha256_text(frozen)])
