"""One number for what is left of a base: the harmonic mean of its metrics, each relative to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import harmonic_mean

from unlearnbench.runs.schema.utility import Metric

CHANCE = 0.25
CHOICES = ("choice.letters", "choice.texts")


def kept_shares(
    model: Mapping[str, Metric], base: Mapping[str, Metric]
) -> dict[str, tuple[float, float] | None]:
    """What is left of each part of the base, as (low, high) in [0, 1]; None: not known.

    choice: accuracy above chance / the base's, by the better of the base's two ways, left out if
    the base itself is not above chance (its interval holds 0.25); answers: share that is not
    degenerate / the base's; variety: n-gram entropy / the base's; prose: the base's bits a byte /
    the model's. More than the base has counts as 1: a gain here pays for no loss there.
    """
    parts: dict[str, tuple[float, float] | None] = {}
    able = [name for name in CHOICES if (ends := base[name].interval) and ends[0] > CHANCE]
    if able:
        name = max(able, key=lambda way: base[way].low or 0.0)
        parts["choice"] = _ratio(_shifted(model[name]), _shifted(base[name]))
    good, base_good = (_turned(side["answers.degenerate"]) for side in (model, base))
    parts["answers"] = _ratio(good, base_good)
    entropy = "answers.ngram_entropy"
    parts["variety"] = _ratio(_ends(model[entropy]), _ends(base[entropy]))
    bits = "prose.bits_per_byte"
    parts["prose"] = _ratio(_ends(base[bits]), _ends(model[bits]))
    return parts


def composite(model: Mapping[str, Metric], base: Mapping[str, Metric]) -> Metric:
    """The harmonic mean n / Σ (1 / share_i) of `kept_shares`, which a single lost part pulls to 0.

    1: as good as the base in everything. Nothing is known while a part is not. See
    docs/decisions/0028-utility-as-one-number.md.
    """
    shares = list(kept_shares(model, base).values())
    known = [share for share in shares if share is not None]
    if len(known) < len(shares):
        return Metric(low=None, high=None, interval=None, n=len(shares))
    low, high = _mean([low for low, _ in known]), _mean([high for _, high in known])
    n_open = sum(low < high for low, high in known)
    return Metric(low=low, high=high, interval=None, n=len(shares), n_open=n_open)


def _mean(shares: Sequence[float]) -> float:
    return 0.0 if min(shares) <= 0 else float(harmonic_mean(shares))


def _ends(metric: Metric) -> tuple[float, float] | None:
    return None if metric.low is None or metric.high is None else (metric.low, metric.high)


def _shifted(metric: Metric) -> tuple[float, float] | None:
    """Accuracy above chance."""
    ends = _ends(metric)
    return ends and (ends[0] - CHANCE, ends[1] - CHANCE)


def _turned(metric: Metric) -> tuple[float, float] | None:
    """The share of the others."""
    ends = _ends(metric)
    return ends and (1 - ends[1], 1 - ends[0])


def _ratio(
    part: tuple[float, float] | None, whole: tuple[float, float] | None
) -> tuple[float, float] | None:
    """Part of a whole, at least and at most, cut to [0, 1]; None if the whole may be nothing."""
    if part is None or whole is None or whole[0] <= 0:
        return None
    low, high = part[0] / whole[1], part[1] / whole[0]
    return min(max(low, 0.0), 1.0), min(max(high, 0.0), 1.0)
