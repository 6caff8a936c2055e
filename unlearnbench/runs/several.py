"""The runs of one call of `score` on several benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from unlearnbench.runs.run import Run

if TYPE_CHECKING:
    import pandas as pd


class Runs(Sequence[Run]):
    """Runs of one checkpoint on several benchmarks, in the order in which they were named."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self._runs = tuple(runs)

    @overload
    def __getitem__(self, index: int) -> Run: ...

    @overload
    def __getitem__(self, index: slice) -> Runs: ...

    def __getitem__(self, index: int | slice) -> Run | Runs:
        """A run, or some of them."""
        return Runs(self._runs[index]) if isinstance(index, slice) else self._runs[index]

    def __len__(self) -> int:
        """Number of benchmarks."""
        return len(self._runs)

    @property
    def n_open(self) -> int:
        """Probes without a verdict, in all runs together."""
        return sum(run.n_open for run in self._runs)

    def to_pandas(self) -> pd.DataFrame:
        """A row for each score of each benchmark: bounds and 95 % interval, from 0 to 1."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "benchmark": run.record.score_identity.benchmark,
                    "run": str(run.path),
                    "score": name,
                    "low": score.low,
                    "high": score.high,
                    "interval_low": score.interval.low,
                    "interval_high": score.interval.high,
                    "n": score.n,
                    "open": score.n_open,
                }
                for run in self._runs
                for name, score in run.scores.items()
            ]
        )
