"""The column `utility` of a row: its metrics beside its accepted base's, and their composite."""

from __future__ import annotations

from collections.abc import Mapping

from unlearnbench.leaderboard.entry import UtilityColumn, UtilityFigure
from unlearnbench.runs.schema.utility import Metric
from unlearnbench.submissions.bases import Base
from unlearnbench.submissions.utility import SentUtility
from unlearnbench.submissions.utility_ways import ways_apart
from unlearnbench.utility.composite import composite, kept_shares


def utility_column(sent: SentUtility | None, base: Base) -> UtilityColumn | None:
    """What was measured of a row; None if nothing was. Its base's is the accepted one's alone.

    There is no composite where the two are known to have been asked in different ways.
    """
    if sent is None:
        return None
    metrics = _figures(sent.metrics)
    if base.utility is None:
        return UtilityColumn(metrics, {}, {}, None)
    of_base = base.utility.metrics
    parts = {name: share and share[0] for name, share in kept_shares(sent.metrics, of_base).items()}
    apart = ways_apart(sent.claim, base.utility.claim)
    whole = None if apart else composite(sent.metrics, of_base).value
    return UtilityColumn(metrics, _figures(of_base), parts, whole)


def _figures(metrics: Mapping[str, Metric]) -> dict[str, UtilityFigure]:
    """The metrics that have a value."""
    return {
        name: UtilityFigure(metric.value, metric.interval, metric.n)
        for name, metric in metrics.items()
        if metric.value is not None
    }
