"""Judge `rules`: does a response show that the answer is known?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from unlearnbench.judging.rules.decide import decide
from unlearnbench.judging.rules.finding import Finding
from unlearnbench.types import JudgeItem, Judgement, Verdict

__all__ = ["Finding", "RulesJudge", "decide"]


class RulesJudge:
    """The rules as a judge; needs nothing and never fails."""

    name = "rules"

    @property
    def identity(self) -> str:
        """sha256 over every file of the rules and their tables."""
        return _identity()

    def judge(self, items: Sequence[JudgeItem]) -> Iterator[Judgement]:
        """A verdict for every item; `raw` is the rule and the evidence."""
        for item in items:
            found = decide(item.question, item.answer, item.aliases, item.response)
            verdict: Verdict = "correct" if found.correct else "incorrect"
            raw = f"{found.rule}: {found.evidence}"
            yield Judgement(item.key, verdict, self.identity, raw)


@lru_cache(maxsize=1)
def _identity() -> str:
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for path in sorted([*folder.glob("*.py"), *folder.glob("*.toml")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
