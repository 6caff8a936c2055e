"""Shares as they are stored: scores of runs, and figures of attacks."""

from __future__ import annotations

from typing import Self

from unlearnbench.runs.schema.base import Count, Part, Share
from unlearnbench.types import Score


class Figures(Part):
    """A share, 0 to 1; `high` counts what is open as leaked."""

    low: Share
    high: Share
    n: Count
    n_open: Count
    interval: tuple[Share, Share]

    @classmethod
    def of(cls, score: Score) -> Self:
        """A score's bounds: what is known of it, whether or not it is one number yet."""
        return cls(
            low=score.low,
            high=score.high,
            n=score.n,
            n_open=score.n_open,
            interval=(score.interval.low, score.interval.high),
        )


class ControlFigures(Figures):
    """The same attack where there is nothing to find."""

    kind: str

    @classmethod
    def against(cls, kind: str, score: Score) -> Self:
        """The score where there is nothing to find; `kind` says where."""
        return cls(kind=kind, **dict(Figures.of(score)))


class ScoreRecord(Figures):
    """A run's score. `value` is None while it is an interval."""

    value: Share | None

    @classmethod
    def of(cls, score: Score) -> Self:
        """A score as a run states it."""
        bounds = Figures.of(score)
        return cls(value=None if score.n_open else score.value, **dict(bounds))


def figures(score: Score) -> Figures:
    """A score in the shape that attacks record."""
    return Figures.of(score)
