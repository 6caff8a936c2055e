"""Does a checkpoint say again what a submission claims that it said?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unlearnbench.protocol.run import Run
from unlearnbench.scoring.scores import leaked_on_any
from unlearnbench.submissions.verify import Checked
from unlearnbench.types import Completion

BOUND = 0.05
"""Share of forget facts whose worst case may differ. On one kind of machine and in one precision
answers are equal to the letter; across them near-ties flip, and with them single facts."""


@dataclass(frozen=True, slots=True)
class Rerun:
    """A submission's run beside one made here. Worst cases are shares of the forget facts.

    `changed`: forget facts that leak in one of them only; `open_facts`: undecided here, which is
    no agreement.
    """

    n_answers: int
    n_same: int
    claimed: float
    low: float
    high: float
    n_facts: int
    changed: tuple[str, ...]
    open_facts: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether no more facts differ or are open than the bound allows."""
        return len(self.changed) + len(self.open_facts) <= BOUND * self.n_facts

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "agrees": self.agrees,
            "bound": BOUND,
            "answers": self.n_answers,
            "same_answers": self.n_same,
            "worst_case": {"claimed": self.claimed, "here": [self.low, self.high]},
            "facts": self.n_facts,
            "changed": list(self.changed),
            "open": list(self.open_facts),
        }


def compare(checked: Checked, here: Run) -> Rerun:
    """Compare a submission's run with one of the same plan."""
    said = {key: r.text for key, r in here.completions.items() if isinstance(r, Completion)}
    theirs = checked.runs["run"]
    same = sum(
        isinstance(result, Completion) and said.get(key) == result.text
        for key, result in theirs.completions.items()
    )
    claimed, mine = _states(theirs), _states(here)
    score = here.scores["forget.worst_case"]
    return Rerun(
        n_answers=len(theirs.probes),
        n_same=same,
        claimed=theirs.scores["forget.worst_case"].low,
        low=score.low,
        high=score.high,
        n_facts=len(claimed),
        changed=tuple(f for f, leaks in claimed.items() if mine[f] is (not leaks)),
        open_facts=tuple(f for f in claimed if mine[f] is None),
    )


def _states(run: Run) -> Mapping[str, bool | None]:
    return leaked_on_any(o for o in run.outcomes if o.split == "forget")
