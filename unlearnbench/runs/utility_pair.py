"""What one run keeps beside another, metric by metric, and what may be said of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unlearnbench.runs.pair import PairComparison
    from unlearnbench.runs.run import Run

SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class UtilityDifference:
    """One metric of two runs on the same units; `difference` is second minus first.

    `gain` is the same, turned so that more is better; `p` comes from McNemar's exact test or from
    Fisher's randomisation test, `adjusted` is Holm's over all metrics that are compared.
    """

    difference: float
    gain: float
    p: float
    adjusted: float
    n: int


@dataclass(frozen=True, slots=True)
class UtilityComparison:
    """`refused` says why there are no differences; answers open in either run are in `n_open`."""

    differences: Mapping[str, UtilityDifference]
    n_open: int
    refused: str | None = None

    @property
    def verdict(self) -> str | None:
        """What the second keeps beside the first, in words; None where nothing can be said."""
        if self.refused is not None or self.n_open:
            return None
        worse = [name for name, d in self.differences.items() if _significant(d) and d.gain < 0]
        better = [name for name, d in self.differences.items() if _significant(d) and d.gain > 0]
        if worse and better:
            return f"keeps less in {self._named(worse)} and more in {self._named(better)}"
        if worse or better:
            return f"keeps {'less' if worse else 'more'} ({self._named(worse or better)})"
        return "differs in no metric of utility significantly"

    def _named(self, names: Sequence[str]) -> str:
        shown = (f"{n} p {p_text(self.differences[n].adjusted)}" for n in names)
        return ", ".join(shown)


def p_text(p: float) -> str:
    """A p-value with its sign: `= 0.031`, `< 0.001`."""
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def verdict_on(first: Run, second: Run, pair: PairComparison, utility: UtilityComparison) -> str:
    """One sentence on two runs: does the second leak less than the first, and what does it keep?

    It says only what is significant, and why it says no more.
    """
    if first.record.judge.identity != second.record.judge.identity:
        return "no verdict: the runs have different judges"
    if first.record.identity.checkpoint == second.record.identity.checkpoint:
        return "no verdict: both runs are of one checkpoint"
    return f"{_forgetting(pair)} and {_keeping(utility)}"


def _forgetting(pair: PairComparison) -> str:
    worst = pair.differences.get("forget.worst_case")
    if worst is None or pair.n_open:
        n = f"{pair.n_open} facts are open" if pair.n_open else "no fact is decided in both"
        return f"nothing can be said of forgetting ({n})"
    first, second = len(worst.first_only), len(worst.second_only)
    if worst.p >= SIGNIFICANT:
        return f"does not leak significantly less or more (worst case, p {p_text(worst.p)})"
    return f"leaks {'less' if second < first else 'more'} (worst case, p {p_text(worst.p)})"


def _keeping(utility: UtilityComparison) -> str:
    if utility.verdict is not None:
        return utility.verdict
    reason = utility.refused or f"{utility.n_open} answers are open"
    return f"nothing can be said of utility ({reason})"


def _significant(difference: UtilityDifference) -> bool:
    return difference.adjusted < SIGNIFICANT
