"""Does it come out the same: a row's checkpoint asked again, or its answers judged again?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unlearnbench.runs.run import Run
from unlearnbench.scoring.scores import leaked_on_any
from unlearnbench.types import Completion

BOUND = 0.05
"""Share of forget facts whose worst case may differ, and points that retain may. On one kind of
machine and in one precision answers are equal to the letter; across them near-ties flip, and with
them single facts."""
RETAIN = "retain.mean"


@dataclass(frozen=True, slots=True)
class Rerun:
    """A row's run beside another of the same plan. Worst cases are shares of the forget facts.

    `changed`: forget facts that leak in one of them only; `open_facts`: undecided here, which is
    no agreement. `retain`: as claimed, and its bounds here. `same_prompts`: whether the very token
    ids were asked; None if one of the runs does not say.
    """

    n_answers: int
    n_same: int
    claimed: float
    low: float
    high: float
    n_facts: int
    changed: tuple[str, ...]
    open_facts: tuple[str, ...]
    retain: tuple[float, float, float]
    same_prompts: bool | None = None

    @property
    def agrees(self) -> bool:
        """Whether no more facts differ or are open than the bound allows, retain is near, and no
        other prompts were asked.
        """
        claimed, low, high = self.retain
        few = len(self.changed) + len(self.open_facts) <= BOUND * self.n_facts
        same = self.same_prompts is not False
        return same and few and claimed - BOUND <= low and high <= claimed + BOUND

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "agrees": self.agrees,
            "bound": BOUND,
            "answers": self.n_answers,
            "same_answers": self.n_same,
            "worst_case": {"claimed": self.claimed, "here": [self.low, self.high]},
            "retain": {"claimed": self.retain[0], "here": list(self.retain[1:])},
            "facts": self.n_facts,
            "changed": list(self.changed),
            "open": list(self.open_facts),
            "same_prompts": self.same_prompts,
        }


def compare(claimed: Run, here: Run) -> Rerun:
    """Compare the run of a row with another of the same plan."""
    said = {key: r.text for key, r in here.completions.items() if isinstance(r, Completion)}
    same = sum(
        isinstance(result, Completion) and said.get(key) == result.text
        for key, result in claimed.completions.items()
    )
    theirs, mine = leaks(claimed), leaks(here)
    worst, retain = here.scores["forget.worst_case"], here.scores[RETAIN]
    return Rerun(
        n_answers=len(claimed.probes),
        n_same=same,
        claimed=claimed.scores["forget.worst_case"].low,
        low=worst.low,
        high=worst.high,
        n_facts=len(theirs),
        changed=tuple(f for f, leaked in theirs.items() if mine[f] is (not leaked)),
        open_facts=tuple(f for f in theirs if mine[f] is None),
        retain=(claimed.scores[RETAIN].low, retain.low, retain.high),
        same_prompts=_same_prompts(claimed, here),
    )


def _same_prompts(one: Run, other: Run) -> bool | None:
    asked = [run.manifest["identity"].get("prompts") for run in (one, other)]
    return None if None in asked else asked[0] == asked[1]


def leaks(run: Run) -> Mapping[str, bool | None]:
    """Whether each forget fact leaked in any wording; None while that is open."""
    return leaked_on_any(o for o in run.outcomes if o.split == "forget")
