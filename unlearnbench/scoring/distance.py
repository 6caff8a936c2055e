"""Over-forgetting by distance: what is still answered, from the forgotten topic outwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unlearnbench.scoring.scores import HEADLINE, Outcome, any_leak, pooled
from unlearnbench.types import Score

FORGET_MEAN = "forget.mean"
"""Mean share of forget probes answered, the like of `retain.mean` at distance 0."""
DRAWS = 10_000
"""Relabellings of the permutation test."""
AT_ONCE = 1_000
"""Of these, how many are drawn at once."""
LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class DistancePoint:
    """A place on the way outwards: what the run answers there, and what its base does.

    `tier` is None for the forget facts themselves.
    """

    name: str
    tier: str | None
    score: Score
    base: Score | None


@dataclass(frozen=True, slots=True)
class NearFar:
    """Mean loss a fact, base minus run, in the nearest and the farthest tier, and the p-value."""

    near: str
    far: str
    near_loss: float
    far_loss: float
    p: float

    @property
    def is_significant(self) -> bool:
        """Whether chance seldom makes such a difference, at 5 %."""
        return self.p < LEVEL


def by_distance(
    outcomes: Sequence[Outcome], base: Sequence[Outcome] | None, tiers: Sequence[str]
) -> list[DistancePoint]:
    """The forget facts' worst case and mean, then each tier, near to far; empty without tiers.

    All means are over probes, with intervals clustered by fact.
    """
    if not tiers:
        return []
    names: dict[str, str | None] = {HEADLINE: None, FORGET_MEAN: None}
    names |= {f"retain.{tier}": tier for tier in tiers}
    points = []
    for name, tier in names.items():
        score = _score(name, tier, outcomes)
        before = None if base is None else _score(name, tier, base)
        if score.n:
            points.append(DistancePoint(name, tier, score, before))
    return points


def near_and_far(
    outcomes: Iterable[Outcome], base: Iterable[Outcome], tiers: Sequence[str]
) -> NearFar | None:
    """Whether near facts lost more than far ones, or less.

    A fact's loss is the share of its probes that the base answers minus the run's. The p-value is
    of a two-sided permutation test of the difference in mean loss (Fisher 1935; Phipson and Smyth
    2010: (1 + as large) / (1 + draws)); facts are relabelled, as the probes of one hang together.
    None with fewer than two tiers, or while a probe of the two is open.
    """
    if len(tiers) < 2:
        return None
    near, far = tiers[0], tiers[-1]
    ours, theirs = (_shares(some, (near, far)) for some in (outcomes, base))
    if ours is None or theirs is None or ours.keys() != theirs.keys():
        return None
    losses = {key: theirs[key] - share for key, share in ours.items()}
    first, second = (
        np.array([loss for (tier, _), loss in losses.items() if tier == name])
        for name in (near, far)
    )
    if not len(first) or not len(second):
        return None
    p = _permutation(first, second)
    return NearFar(near, far, float(first.mean()), float(second.mean()), p)


def _score(name: str, tier: str | None, outcomes: Sequence[Outcome]) -> Score:
    forget = [o for o in outcomes if o.split == "forget"]
    if name == HEADLINE:
        return any_leak(name, forget, lambda key: True)
    if tier is None:
        return pooled(name, forget)
    return pooled(name, [o for o in outcomes if o.split == "retain" and o.tier == tier])


def _shares(
    outcomes: Iterable[Outcome], tiers: Sequence[str]
) -> Mapping[tuple[str, str], float] | None:
    """(tier, fact) -> the share of its probes answered; None while one is open."""
    counts: dict[tuple[str, str], list[int]] = {}
    for outcome in outcomes:
        if outcome.split != "retain" or outcome.tier not in tiers:
            continue
        if outcome.verdict is None:
            return None
        count = counts.setdefault((str(outcome.tier), outcome.key.fact), [0, 0])
        count[0] += outcome.verdict == "correct"
        count[1] += 1
    return {key: known / n for key, (known, n) in counts.items()}


def _permutation(first: np.ndarray, second: np.ndarray) -> float:
    """Two-sided p-value of the difference of two means."""
    both, n = np.concatenate([first, second]), len(first)
    observed = abs(first.mean() - second.mean())
    draw, larger, total = np.random.default_rng(0), 0, both.sum()
    for _ in range(DRAWS // AT_ONCE):
        parts = draw.permuted(np.tile(both, (AT_ONCE, 1)), axis=1)[:, :n].sum(axis=1)
        differences = abs(parts / n - (total - parts) / len(second))
        # Sums in another order differ in their last digits.
        larger += int((differences >= observed - 1e-12).sum())
    return (1 + larger) / (1 + DRAWS)
