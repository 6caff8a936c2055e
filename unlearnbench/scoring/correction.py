"""What a judge's measured errors mean for a rate of leaking facts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unlearnbench.types import Interval

DRAWS = 20_000
"""Draws from the posteriors; the ends of the interval then vary by about 0.001."""


@dataclass(frozen=True, slots=True)
class JudgeAccuracy:
    """A judge's calibration: right verdicts out of how many, on correct and on incorrect items."""

    sensitive: int
    correct_items: int
    specific: int
    incorrect_items: int


@dataclass(frozen=True, slots=True)
class Corrected:
    """A rate corrected for the judge's errors, 0 to 1, with its 95 % interval.

    `false_leak` is the probability that a forgotten fact passes for leaked: 1 - specificity^m.
    """

    value: float
    interval: Interval
    false_leak: float


def corrected_rate(
    leaked: int, facts: int, verdicts_a_fact: float, judge: JudgeAccuracy, seed: int = 0
) -> Corrected:
    """The share of facts that really leak, by Rogan and Gladen (1978), at the level of facts.

    A fact is called leaked if any of its m verdicts says so. A forgotten fact then passes for
    leaked with probability f = 1 - specificity^m, errors taken as independent; a leaking one is
    seen with at least the sensitivity s of a single verdict, the case in which it leaks through one
    answer only. From the observed share q follows (q - f) / (s - f), kept within 0 and 1.

    m is the mean number of *different* answers a fact got: equal answers are judged alike and
    cannot err twice. The interval is that of the estimate when q, s and the specificity are drawn
    from their posteriors under Jeffreys' prior (Lang and Reiczigel 2014 propose the like); seeded.
    Where s does not exceed f the data say nothing: the interval is [0, 1].
    Raises `ValueError` without facts.
    """
    if facts < 1:
        raise ValueError("no facts, no rate")
    generator = np.random.default_rng(seed)

    def posterior(hits: int, n: int) -> np.ndarray:
        return generator.beta(hits + 0.5, n - hits + 0.5, DRAWS)

    observed = posterior(leaked, facts)
    sensitivity = posterior(judge.sensitive, judge.correct_items)
    specificity = posterior(judge.specific, judge.incorrect_items)
    drawn = _estimate(observed, sensitivity, 1 - specificity**verdicts_a_fact)
    point = judge.specific / judge.incorrect_items if judge.incorrect_items else 1.0
    share = judge.sensitive / judge.correct_items if judge.correct_items else 1.0
    false_leak = 1 - point**verdicts_a_fact
    value = _estimate(np.array([leaked / facts]), np.array([share]), np.array([false_leak]))[0]
    if np.isnan(drawn).any():
        low, high = 0.0, 1.0
    else:
        low, high = (float(end) for end in np.quantile(drawn, (0.025, 0.975)))
    best = leaked / facts if np.isnan(value) else float(value)
    return Corrected(best, Interval(min(low, best), max(high, best)), float(false_leak))


def _estimate(observed: np.ndarray, sensitivity: np.ndarray, false_leak: np.ndarray) -> np.ndarray:
    """Rogan and Gladen's estimate; NaN where the judge tells nothing apart."""
    apart = sensitivity - false_leak
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = np.clip((observed - false_leak) / apart, 0.0, 1.0)
    return np.where(apart > 0, estimate, np.nan)
