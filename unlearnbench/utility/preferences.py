"""From a judge's stored preferences to the win rate against the base; no judge is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from unlearnbench.runs.schema.utility import JudgedInstruction, Measurement, Metric, Preferences
from unlearnbench.scoring.intervals import wilson
from unlearnbench.utility.win_rate import (
    JudgedPair,
    length_controlled,
    length_gaps,
    rate_at_equal_length,
    win_rate,
)

RESAMPLES = 1000
_SEED = 20230529
Statistic = Callable[[NDArray[np.float64], NDArray[np.float64]], float]
"""Of the shares and the differences of lengths, both of shape (instructions,)."""


def judged_pairs(
    preferences: Preferences, model: Measurement, base: Measurement
) -> dict[str, JudgedPair]:
    """The verdicts on each instruction, with both answers' lengths in words.

    One that was not judged is open, and so is one that either model did not answer.
    """
    theirs = dict(base.all_answers())
    return {
        name: _pair(preferences.rows.get(name), answer.text, beside.text if beside else None)
        for name, answer, beside in ((n, a, theirs.get(n)) for n, a in model.all_answers())
    }


def _pair(row: JudgedInstruction | None, ours: str | None, theirs: str | None) -> JudgedPair:
    if row is None or ours is None or theirs is None:
        return JudgedPair(None, None, 0, 0)
    lengths = (len(ours.split()), len(theirs.split()))
    return JudgedPair(row.model_first.verdict, row.base_first.verdict, *lengths)


def preference_metrics(
    preferences: Preferences, model: Measurement, base: Measurement
) -> dict[str, Metric]:
    """`win_rates` on the instructions that ship, and `<name>.` before them on those of others."""
    pairs = judged_pairs(preferences, model, base)
    metrics = win_rates([pairs[row] for row in model.answers])
    for name, table in model.instructions.items():
        rows = [f"{name}/{row}" for row in table.answers]
        rates = win_rates([pairs[row] for row in rows])
        metrics |= {f"{name}.{rate}": metric for rate, metric in rates.items()}
    return metrics


def win_rates(pairs: Sequence[JudgedPair]) -> dict[str, Metric]:
    """The win rate against the base, the same at equal length, and how often both orders agree.

    Intervals of the rates are percentiles of 1000 resamples of the instructions. An open one
    counts as lost in `low` and as won in `high`; a rate at equal length is given without open ones
    alone. `win_rate.agreeing` is the share of instructions on which the two orders prefer the same
    answer, or neither: near 0, the judge went by the position, and a rate of ½ means nothing.
    """
    if not pairs:
        return {}
    rate = win_rate(pairs)
    lost, won = (_filled(pairs, value) for value in (0.0, 1.0))
    gaps = length_gaps(pairs)
    ends = (_interval(_plain, lost, gaps)[0], _interval(_plain, won, gaps)[1])
    n, n_open = rate.n, rate.n_open
    plain = Metric(low=rate.low, high=rate.high, interval=ends, n=n, n_open=n_open)
    controlled = Metric(low=None, high=None, interval=None, n=n, n_open=n_open)
    if not n_open:
        value, ends = length_controlled(pairs), _interval(rate_at_equal_length, lost, gaps)
        controlled = Metric(low=value, high=value, interval=ends, n=n)
    return {
        "win_rate": plain,
        "win_rate.length_controlled": controlled,
        "win_rate.agreeing": _agreeing(pairs, n_open),
    }


def _agreeing(pairs: Sequence[JudgedPair], n_open: int) -> Metric:
    agreed = sum(pair.share in (0.0, 1.0) or _ties(pair) for pair in pairs)
    n = len(pairs)
    low, high = wilson(agreed, n), wilson(agreed + n_open, n)
    ends = (low.low, high.high)
    return Metric(low=agreed / n, high=(agreed + n_open) / n, interval=ends, n=n, n_open=n_open)


def _ties(pair: JudgedPair) -> bool:
    return pair.model_first == pair.base_first == "tie"


def _filled(pairs: Sequence[JudgedPair], value: float) -> NDArray[np.float64]:
    """Each instruction's share, `value` where it is open."""
    return np.array([value if pair.share is None else pair.share for pair in pairs])


def _plain(shares: NDArray[np.float64], gaps: NDArray[np.float64]) -> float:
    del gaps
    return float(shares.mean())


def _interval(
    statistic: Statistic, shares: NDArray[np.float64], gaps: NDArray[np.float64]
) -> tuple[float, float]:
    """The 95 % percentile interval over resampled instructions (Efron 1979).

    Where all are won, or all lost, resampling sees no spread, and Wilson's interval is given.
    """
    n, rate = len(shares), float(shares.mean())
    if rate in (0.0, 1.0):
        ends = wilson(rate * n, n)
        return ends.low, ends.high
    drawn = np.random.default_rng(_SEED).integers(0, n, size=(RESAMPLES, n))
    values = [statistic(shares[rows], gaps[rows]) for rows in drawn]
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)
