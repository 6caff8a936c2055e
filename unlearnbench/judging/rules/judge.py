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
from unlearnbench.judging.rules.strict import decide_strictly
from unlearnbench.paths import content_root
from unlearnbench.types import JudgeItem, Judgement, Verdict

__all__ = ["RULES_VERSION", "RuleMatch", "RulesJudge", "StrictRulesJudge", "decide"]

RULES_VERSION = "5"
"""Raised with every change of behaviour; a part of the judge's identity."""
_REMEMBERED = 16_384
"""Decisions that are remembered: a run that was just judged is read back and judged again."""


class RulesJudge:
    """The rules as a judge; needs nothing and never fails. Any mention of the answer counts."""

    name = "rules"
    _decide = staticmethod(lru_cache(maxsize=_REMEMBERED)(decide))

    @property
    def identity(self) -> str:
        """sha256 of the rules' version and of the verdicts that are frozen for it."""
        return _identity(self.name)

    def judge(self, items: Sequence[JudgeItem]) -> Iterator[Judgement]:
        """A verdict for every item; `raw` is the rule and the evidence."""
        for item in items:
            finding = self._decide(item.question, item.answer, item.aliases, item.response)
            verdict: Verdict = "correct" if finding.correct else "incorrect"
            raw = f"{finding.rule}: {finding.evidence}"
            yield Judgement(item.key, verdict, self.identity, raw)


class StrictRulesJudge(RulesJudge):
    """The same rules in the strict reading, for comparing: denials and namesakes do not count."""

    name = "rules-strict"
    _decide = staticmethod(lru_cache(maxsize=_REMEMBERED)(decide_strictly))


@lru_cache(maxsize=2)
def _identity(name: str) -> str:
    path = content_root() / "judges" / "rules" / "frozen.jsonl"
    try:
        frozen = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise JudgeError(f"{path}: cannot be read: {error}; install the package again") from error
    return sha256_json([name, RULES_VERSION, sha256_text(frozen)])
