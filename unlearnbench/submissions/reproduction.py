"""Compare a row's run with another of the same plan: run again, or judged again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb

from unlearnbench.runs.run import Run
from unlearnbench.scoring.scores import headline_of, leaked_at_all
from unlearnbench.submissions.utility_rerun import UtilityRerun
from unlearnbench.types import Completion

BOUND = 0.05
"""Share of forget facts whose worst case may differ, and difference allowed in retain. On one kind
of machine and in one precision responses are identical; across them near-ties flip, and with them
single facts."""
CHANCE = 0.05
"""A sample may show more than the bound, as far as chance does so this often to a row within it. Of
20 facts 3 may differ: where exactly 5 % of all facts do, two or more of 20 differ in a quarter of
the samples, and four or more in 2 %.
"""
RETAIN = "retain.mean"


@dataclass(frozen=True, slots=True)
class Compared:
    """A claimed share, and its bounds in the other run."""

    claimed: float
    here: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Reproduction:
    """The results of a rerun, as `verify --json` and a row of the board hold them.

    `same_answers` of `answers` responses are identical; `changed` and `open` are facts.
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
    sampled: bool = False
    utility: UtilityRerun | None = None


@dataclass(frozen=True, slots=True)
class Rerun:
    """A row's run compared with another of the same plan. Worst cases are shares of forget facts.

    `changed`: forget facts that leak in only one of the two; `open_facts`: facts open in the other
    run, which count as disagreement. `retain`: the claimed share, and its bounds in the other run.
    `same_prompts`: whether the prompts' token ids are the row's or its base's; None if one run does
    not record them.
    `sampled`: only a sample of the row's facts, so many forget and so many retain facts.
    `utility`: what was measured again of it, where the row holds any.
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
    sampled: bool = False
    n_retain_facts: int = 0
    utility: UtilityRerun | None = None

    @property
    def most_changed(self) -> int:
        """Facts that may differ: 5 %, in a sample as many as chance makes of 5 %."""
        if not self.sampled:
            return int(BOUND * self.n_facts)
        return most_by_chance(self.n_facts)

    @property
    def retain_bound(self) -> float:
        """Difference allowed in retain: 5 points, in a sample those of one fact more."""
        return BOUND + 1 / max(1, self.n_retain_facts) if self.sampled else BOUND

    @property
    def agrees(self) -> bool:
        """Whether facts that differ or are open, retain and utility are within their bounds, and
        the prompts do not differ.
        """
        if self.utility is not None and not self.utility.agrees:
            return False
        claimed, low, high = self.retain
        few = len(self.changed) + len(self.open_facts) <= self.most_changed
        same, bound = self.same_prompts is not False, self.retain_bound
        return same and few and claimed - bound <= low and high <= claimed + bound

    def reproduction(self) -> Reproduction:
        """The published figures."""
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
            sampled=self.sampled,
            utility=self.utility,
        )


def most_by_chance(n: int) -> int:
    """The most of `n` facts that differ with probability above `CHANCE` where 5 % of all do."""
    tail, most = 1.0, 0
    for k in range(n + 1):
        if tail <= CHANCE + 1e-12:
            break
        most = k
        tail -= comb(n, k) * BOUND**k * (1 - BOUND) ** (n - k)
    return most


def compare_rerun(
    claimed: Run, rerun: Run, base: Run | None = None, *, sampled: bool = False
) -> Rerun:
    """Compare the run of a row with another of the same plan; both of a sample if `sampled`.

    `base`: the run of its base. A rerun with the base's files asks its token ids, not the row's.
    """
    texts = {key: r.text for key, r in rerun.completions.items() if isinstance(r, Completion)}
    same = sum(
        isinstance(result, Completion) and texts.get(key) == result.text
        for key, result in claimed.completions.items()
    )
    row_states, rerun_states = forget_states(claimed), forget_states(rerun)
    headline = headline_of(claimed.scores)
    worst, retain = rerun.scores[headline], rerun.scores[RETAIN]
    return Rerun(
        n_answers=len(claimed.probes),
        n_same=same,
        claimed=claimed.scores[headline].low,
        low=worst.low,
        high=worst.high,
        n_facts=len(row_states),
        changed=tuple(f for f, leaked in row_states.items() if rerun_states[f] is (not leaked)),
        open_facts=tuple(f for f in row_states if rerun_states[f] is None),
        retain=(claimed.scores[RETAIN].low, retain.low, retain.high),
        same_prompts=_same_prompts(claimed, rerun, base),
        sampled=sampled,
        n_retain_facts=len({p.key.fact for p in claimed.probes if p.split == "retain"}),
    )


def _same_prompts(claimed: Run, rerun: Run, base: Run | None) -> bool | None:
    """Whether a rerun asked the token ids of the row, or of its base."""
    here = rerun.record.identity
    if base is not None and here.prompts and here.prompts == base.record.identity.prompts:
        return True
    own, again = (run.record.identity.prompts for run in (claimed, rerun))
    formats = {run.record.score_identity.prompt_format for run in (claimed, rerun)}
    if own is None or again is None or len(formats) > 1:
        return None
    return again == own


def forget_states(run: Run) -> Mapping[str, bool | None]:
    """Whether each forget fact leaked to any of its questions; None while that is open."""
    return leaked_at_all(run.outcomes)
