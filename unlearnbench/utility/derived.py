"""A record's metrics, computed from what it holds and never taken as they stand."""

from __future__ import annotations

from pathlib import Path

from unlearnbench.benchmark.utility_sets import UtilitySets, load_utility_sets
from unlearnbench.errors import RunError
from unlearnbench.runs.run import Run
from unlearnbench.runs.schema.utility import Drift, Measurement, Metric, UtilityRecord
from unlearnbench.runs.utility import UTILITY_FILE
from unlearnbench.utility.composite import composite
from unlearnbench.utility.preferences import preference_metrics
from unlearnbench.utility.retained import retain_metrics
from unlearnbench.utility.summary import drift_metrics, metrics_of
from unlearnbench.utility.ways import differences_of_ways
from unlearnbench.utility.whole import is_whole, is_whole_drift


def all_metrics(
    model: Measurement, base: Measurement | None, drift: Drift | None, sets: UtilitySets
) -> tuple[dict[str, Metric], dict[str, Metric]]:
    """A model's metrics, those that compare it with its base among them, and its base's.

    There is no composite where the two are known to have been asked in different ways.
    """
    metrics = metrics_of(model, sets)
    if base is None:
        return metrics, {}
    base_metrics = metrics_of(base, sets)
    if drift is not None:
        metrics |= drift_metrics(drift)
    known = base.settings and model.settings
    if not (known and any(differences_of_ways(base.settings, model.settings))):
        metrics["composite"] = composite(metrics, base_metrics)
    return metrics, base_metrics


def rows_measured(record: UtilityRecord) -> UtilitySets | None:
    """The rows that ship of which a record is; None if it was measured on others."""
    model = record.model
    tables = (model.letters, model.choices, model.answers, model.prose)
    sets = load_utility_sets().first(max(map(len, tables)))
    return sets if sets.fingerprint == record.data else None


def why_not_derived(record: UtilityRecord) -> str | None:
    """Why a record's metrics stand as they were stored; None if they were derived."""
    if rows_measured(record) is not None:
        return None
    return (
        "measured on other questions than this version's, or rows are missing: these figures were "
        "read as stored and not derived again; measure it again"
    )


def derived(record: UtilityRecord, path: Path) -> UtilityRecord:
    """The record of a file with its metrics as this version defines them.

    One of other rows stays as it is; `why_not_derived` says so. Raises `RunError` if rows are
    missing, or hold no numbers.
    """
    sets = rows_measured(record)
    if sets is None:
        return record
    both = [record.model] if record.base is None else [record.model, record.base]
    drifted = record.drift is None or is_whole_drift(record.drift, record.model)
    if not (drifted and all(is_whole(measured, sets) for measured in both)):
        raise RunError(f"{path}: rows are missing, or are no numbers; measure it again")
    metrics, base_metrics = all_metrics(record.model, record.base, record.drift, sets)
    if record.preferences is not None and record.base is not None:
        metrics |= preference_metrics(record.preferences, record.model, record.base)
    return record.model_copy(update={"metrics": metrics, "base_metrics": base_metrics})


def least_composite(run: Run) -> float | None:
    """What is left of the base's utility, at least; None where it was not measured or is not known.

    It is derived from the rows that ship; a record of other rows has none. Raises like `derived`.
    """
    record = run.utility
    if record is None or rows_measured(record) is None:
        return None
    metric = derived(record, run.path / UTILITY_FILE).metrics.get("composite")
    return None if metric is None else metric.low


def utility_of_run(run: Run) -> UtilityRecord | None:
    """A run's utility, its metrics derived, with those of its retain answers; None if it was not
    measured.

    Raises `RunError` for a damaged record, or one of another checkpoint.
    """
    record = run.utility
    if record is None:
        return None
    record = derived(record, run.path / UTILITY_FILE)
    metrics, base_metrics = dict(record.metrics), dict(record.base_metrics)
    metrics |= retain_metrics(run)
    if record.base is not None and run.base is not None:
        base_metrics |= retain_metrics(run.base)
    return record.model_copy(update={"metrics": metrics, "base_metrics": base_metrics})
