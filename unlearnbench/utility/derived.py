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
from unlearnbench.utility.summary import drift_metrics, metrics_of
from unlearnbench.utility.ways import is_whole


def all_metrics(
    model: Measurement, base: Measurement | None, drift: Drift | None, sets: UtilitySets
) -> tuple[dict[str, Metric], dict[str, Metric]]:
    """A model's metrics, those that compare it with its base among them, and its base's."""
    metrics = metrics_of(model, sets)
    if base is None:
        return metrics, {}
    base_metrics = metrics_of(base, sets)
    drifted = {} if drift is None else drift_metrics(drift)
    return {**metrics, **drifted, "composite": composite(metrics, base_metrics)}, base_metrics


def rows_measured(record: UtilityRecord) -> UtilitySets | None:
    """The rows that ship of which a record is; None if it was measured on others."""
    model = record.model
    tables = (model.letters, model.choices, model.answers, model.prose)
    sets = load_utility_sets().first(max(map(len, tables)))
    return sets if sets.fingerprint == record.data else None


def derived(record: UtilityRecord, path: Path) -> UtilityRecord:
    """The record of a file with its metrics as this version defines them.

    One of other rows stays as it is. Raises `RunError` if rows are missing, or hold no numbers.
    """
    sets = rows_measured(record)
    if sets is None:
        return record
    both = [record.model] if record.base is None else [record.model, record.base]
    if not all(is_whole(measured, sets) for measured in both):
        raise RunError(f"{path}: rows are missing, or are no numbers; measure it again")
    metrics, base_metrics = all_metrics(record.model, record.base, record.drift, sets)
    if record.preferences is not None and record.base is not None:
        metrics |= preference_metrics(record.preferences, record.model, record.base)
    return record.model_copy(update={"metrics": metrics, "base_metrics": base_metrics})


def utility_of_run(run: Run) -> UtilityRecord | None:
    """A run's utility, its metrics derived; None if it was not measured.

    Raises `RunError` for a damaged record, or one of another checkpoint.
    """
    record = run.utility
    return None if record is None else derived(record, run.path / UTILITY_FILE)
