"""Over-forgetting by distance, for the report and the board: places, a table, and a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unlearnbench.benchmark.tiers import near_to_far
from unlearnbench.display import percent
from unlearnbench.reporting.charts import FORGOTTEN, Ring, RingShare
from unlearnbench.runs.run import Run
from unlearnbench.scoring.distance import (
    FORGET_MEAN,
    DistancePoint,
    NearFar,
    by_distance,
    near_and_far,
)
from unlearnbench.scoring.scores import HEADLINE
from unlearnbench.types import Score


@dataclass(frozen=True, slots=True)
class Distance:
    """What is answered by distance, `places` near to far; `sentence` is empty where chance could
    have made the difference between near and far.
    """

    places: Sequence[Ring]
    sentence: str


def distance_of(run: Run, base: Run | None) -> Distance | None:
    """What a run answers by distance, beside its base; None where its benchmark has no tiers.

    `base` was asked and judged as the run was.
    """
    identity = run.record.score_identity
    tiers = near_to_far(
        (outcome.tier for outcome in run.outcomes if outcome.split == "retain"),
        identity.benchmark,
        identity.benchmark_version,
    )
    before = None if base is None else base.outcomes
    places = _places(by_distance(run.outcomes, before, tiers))
    if len(places) < 2:
        return None
    compared = None if before is None else near_and_far(run.outcomes, before, tiers)
    return Distance(places, _sentence(compared))


def _places(points: Sequence[DistancePoint]) -> list[Ring]:
    """The mean and the worst case of the forget facts at one place, then a place a tier."""
    by_name = {point.name: point for point in points}
    worst, mean = by_name.pop(HEADLINE, None), by_name.pop(FORGET_MEAN, None)
    if worst is None or mean is None:
        return []
    forgotten = Ring(
        FORGOTTEN,
        _leaked(mean.score),
        _leaked(mean.base) if mean.base else None,
        _leaked(worst.score),
        _leaked(worst.base) if worst.base else None,
    )
    tiers = [
        Ring(point.tier or name, _kept(point.score), _kept(point.base) if point.base else None)
        for name, point in by_name.items()
    ]
    return [forgotten, *tiers]


def _leaked(score: Score) -> RingShare:
    """A share of forget facts: what is open counts as leaked."""
    return _share(score, score.high)


def _kept(score: Score) -> RingShare:
    """A share of retain facts: what is open counts as lost."""
    return _share(score, score.low)


def _share(score: Score, value: float) -> RingShare:
    return RingShare(value, score.interval.low, score.interval.high, bool(score.n_open))


def _sentence(compared: NearFar | None) -> str:
    if compared is None or not compared.is_significant:
        return ""
    near, far = f"Near facts ({compared.near})", f"far ones ({compared.far})"
    more = "more" if compared.near_loss > compared.far_loss else "less"
    losses = f"{_points(compared.near_loss)} against {_points(compared.far_loss)} points"
    p = "p < 0.001" if compared.p < 0.001 else f"p = {compared.p:.3f}"
    return f"{near} lost {more} than {far}: {losses} ({p}, permutation of facts)."


def _points(loss: float) -> str:
    return f"{100 * loss:.1f}"


def share_text(share: RingShare | None) -> str:
    """A share with its interval; `?` where some of it is open."""
    if share is None:
        return "–"
    mark = " ?" if share.is_open else ""
    return f"{percent(share.value)}{mark} ({percent(share.low)}–{percent(share.high)})"
