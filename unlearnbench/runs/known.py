"""What a base model knows, read from its run: the result of `known`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from unlearnbench.runs.run import Run
from unlearnbench.scoring.findings import RunFinding, few_known_finding
from unlearnbench.scoring.known import FactKnowledge, facts_known
from unlearnbench.scoring.scores import HEADLINE

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

Keep = Literal["known", "original"]
"""Which facts a subset keeps: those answered in any way, or to the original question."""
RULES: dict[Keep, str] = {
    "known": "answered in at least one of the ways in which the profile asks",
    "original": "answered to the original question",
}


@dataclass(frozen=True)
class Knowledge:
    """Which forget facts a model answers, in which paraphrases and contexts.

    Args:
        run: The score run from which it is read.
        subset: Folder of the benchmark of the facts that were kept; None where none was asked for,
            or facts are open.
    """

    run: Run
    subset: Path | None = None

    @cached_property
    def facts(self) -> tuple[FactKnowledge, ...]:
        """What the run says of each forget fact, in plan order."""
        return tuple(facts_known(self.run.outcomes))

    def kept(self, keep: Keep) -> list[str]:
        """Ids of the facts that the rule keeps."""
        return [fact.fact for fact in self.facts if _state(fact, keep) == "known"]

    def unsure(self, keep: Keep = "known") -> list[str]:
        """Ids of the facts for which the rule cannot be decided until open probes are closed."""
        return [fact.fact for fact in self.facts if _state(fact, keep) == "open"]

    @property
    def findings(self) -> Sequence[RunFinding]:
        """Warnings on the run, and on how few facts are known."""
        warnings = [found for found in self.run.findings if found.severity == "warning"]
        few = few_known_finding(self.run.scores[HEADLINE])
        return [*warnings, *([few] if few else [])]

    def to_pandas(self) -> pd.DataFrame:
        """One row per forget fact: its state, and the probes on which it was answered."""
        import pandas as pd

        rows = [
            {
                "fact": fact.fact,
                "state": fact.state,
                "original": fact.original,
                "asked": len(fact.verdicts),
                "answered": [str(key) for key in fact.answered],
            }
            for fact in self.facts
        ]
        return pd.DataFrame(rows, columns=["fact", "state", "original", "asked", "answered"])


def _state(fact: FactKnowledge, keep: Keep) -> str:
    return fact.state if keep == "known" else fact.original
