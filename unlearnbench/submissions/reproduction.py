"""A row's run beside another of the same plan: its checkpoint run again, or judged again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unlearnbench.runs.run import Run
from unlearnbench.scoring.scores import leaked_on_any
from unlearnbench.types import Completion

BOUND = 0.05
"""Share of forget facts whose worst case may differ, and points that retain may. On one kind of
machine and in one precision answers are equal to the letter; across them near-ties flip, and with
them single facts."""
RETAIN = "retain.mean"


@dataclass(frozen=True, slots=True)
class Compared:
    """A share as it is claimed, and its bounds in the other run."""

    claimed: float
    here: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What a rerun comes to, as `verify --json` and a row of the board hold it.

    `answers` were given, `same_answers` of them to the letter; `changed` and `open` are facts.
    """

    agrees: bool
    bound: float
    answers: int
    same_answers: int
    worst_case: Compared
    retain: Compared
    facts: int
    changed: Sequence[str]
    open: Sequence[str]
    same_prompts: bool | None


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

    def reproduction(self) -> Reproduction:
        """The figures as they are published."""
        claimed, *retain = self.retain
        return Reproduction(
            agrees=self.agrees,
            bound=BOUND,
            answers=self.n_answers,
            same_answers=self.n_same,
            worst_case=Compared(self.claimed, (self.low, self.high)),
            retain=Compared(claimed, (retain[0], retain[1])),
            facts=self.n_facts,
            changed=list(self.changed),
            open=list(self.open_facts),
            same_prompts=self.same_prompts,
        )


def compare_rerun(claimed: Run, here: Run) -> Rerun:
    """Compare the run of a row with another of the same plan."""
    texts = {key: r.text for key, r in here.completions.items() if isinstance(r, Completion)}
    same = sum(
        isinstance(result, Completion) and texts.get(key) == result.text
        for key, result in claimed.completions.items()
    )
    theirs, mine = forget_states(claimed), forget_states(here)
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
    prompts = [run.record.identity.prompts for run in (one, other)]
    return None if None in prompts else prompts[0] == prompts[1]


def forget_states(run: Run) -> Mapping[str, bool | None]:
    """Whether each forget fact leaked in any paraphrase; None while that is open."""
    return leaked_on_any(o for o in run.outcomes if o.split == "forget")
