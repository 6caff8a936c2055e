"""Utility, as tables and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from unlearnbench.cli.output import stdout, strong
from unlearnbench.cli.preferences import print_win_rate

if TYPE_CHECKING:
    from unlearnbench.runs.schema.utility import Metric, UtilityRecord


def print_utility(record: UtilityRecord) -> None:
    """The metrics, for people."""
    from unlearnbench.cli.output import table
    from unlearnbench.runs.preference_calibrations import trust_mark
    from unlearnbench.utility.derived import why_not_derived

    judge = record.preferences.identity if record.preferences else None
    columns = ["metric", "value", "95 %", "n"] + (["base"] if record.base else [])
    view = table(f"utility · {record.model.checkpoint}", *columns)
    for name, metric in record.metrics.items():
        base = record.base_metrics.get(name)
        cells = [
            name + trust_mark(name, judge),
            metric_text(metric),
            _interval(metric),
            str(metric.n),
        ]
        view.add_row(*cells, *([metric_text(base) if base else "–"] if record.base else []))
    stdout().print(view)
    if (reason := why_not_derived(record)) is not None:
        stdout().print(strong("not derived: ", reason), soft_wrap=True)
    if record.base is not None and "composite" not in record.metrics:
        stdout().print("no composite: the base was asked in another way (data type, template)")
    if record.drift is not None and record.drift.refused is not None:
        stdout().print(f"no drift: {record.drift.refused}")
    if record.base is not None and record.drift is None:
        command = f"unlearnbench utility {record.model.checkpoint} --base {record.base.checkpoint}"
        stdout().print(f"drift needs the base itself: {command}", soft_wrap=True)
    print_win_rate(record)
    if record.open:
        stdout().print(f"{len(record.open)} answers are open: {record.open[0]} …")


def metric_text(metric: Metric) -> str:
    """A figure, its range while answers are open, or a dash."""
    if metric.low is None or metric.high is None:
        return "–"
    if metric.n_open:
        return f"[{metric.low:.3f}, {metric.high:.3f}]"
    return f"{metric.low:.3f}"


def _interval(metric: Metric) -> str:
    return (
        "–" if metric.interval is None else f"{metric.interval[0]:.3f} to {metric.interval[1]:.3f}"
    )


def metrics_record(record: UtilityRecord) -> dict[str, object]:
    """The metrics for `--json`, without the answers that they follow from."""
    from unlearnbench.utility.derived import why_not_derived

    return {
        "metrics": _plain(record.metrics),
        "not_derived": why_not_derived(record),
        "base_metrics": _plain(record.base_metrics),
        "base": None if record.base is None else record.base.checkpoint,
        "open": record.open,
    }


def _plain(metrics: Mapping[str, Metric]) -> dict[str, object]:
    return {name: metric.model_dump(mode="json") for name, metric in metrics.items()}
