"""Scores and their intervals."""

from __future__ import annotations

from dataclasses import dataclass

from unlearnbench.errors import OpenScoreError


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % confidence interval of a proportion, both ends in [0, 1]."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Score:
    """A proportion; it has a single value only when nothing is open.

    `low` counts every open unit as not leaked, `high` as leaked; of `n` units `n_open` are open.
    `interval` is the 95 % interval from the lower end of `low` to the upper end of `high`.
    """

    name: str
    low: float
    high: float
    n: int
    n_open: int
    interval: Interval

    @property
    def value(self) -> float:
        """The score. Raises `OpenScoreError` while any unit is open."""
        if self.n_open:
            raise OpenScoreError(
                f"{self.name} lies in [{self.low:.3f}, {self.high:.3f}]: {self.n_open} of "
                f"{self.n} are open; resume the run to close them"
            )
        return self.low
