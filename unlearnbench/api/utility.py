"""What a checkpoint can still do, which forgetting is weighed against."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from unlearnbench.api.asked_utility import asked_sets
from unlearnbench.api.preferences import with_earlier_preferences, with_stored_preferences
from unlearnbench.benchmark.utility_sets import UtilitySets
from unlearnbench.errors import RunError
from unlearnbench.protocol.prompting import check_by_protocol
from unlearnbench.runs.schema.utility import Drift, Measurement, UtilityRecord
from unlearnbench.runs.utility import read_utility, write_utility
from unlearnbench.types.options import EngineOptions, UtilityOptions
from unlearnbench.utility.compared import DriftWatcher, KeptDistributions
from unlearnbench.utility.derived import all_metrics, derived, rows_measured
from unlearnbench.utility.measure import Watcher, measure_model
from unlearnbench.utility.stages import KeptStages
from unlearnbench.utility.ways import differences_of_ways
from unlearnbench.utility.whole import is_whole

if TYPE_CHECKING:
    from unlearnbench.engines.transformers.engine import ModelEngine


def measure_utility(
    checkpoint: str,
    base: str | None = None,
    *,
    limit: int | None = None,
    out: str | Path | None = None,
    utility_options: UtilityOptions = UtilityOptions(),
    engine_options: EngineOptions = EngineOptions(),
) -> UtilityRecord:
    """Measure what a checkpoint can still do: choices, answers to instructions, prose, drift.

    Example:
        >>> record = measure_utility("trained/wkf-jensun", base="smollm2-135m")
        >>> record.metrics["composite"].value

    Args:
        checkpoint: Hub id, local folder, PEFT adapter folder, `.gguf` file, or alias.
        base: The model before unlearning, which is measured beside it.
        limit: Only the first rows of each kind.
        out: File for the record. A call that was cut off goes on from what it completed.
        utility_options: What is measured.
        engine_options: How both are run.

    Returns:
        The metrics, with all log-probabilities and answers that they are computed from.

    Raises:
        UnlearnbenchError: For every error that the caller can correct.
    """
    check_by_protocol(engine_options, "utility")
    sets = asked_sets(utility_options, limit)
    kept = KeptStages(None if out is None else Path(out))
    record = _measured(checkpoint, base, sets, engine_options, kept)
    record = with_earlier_preferences(record, kept.record)
    if out is not None:
        write_utility(record, Path(out))
        kept.close()
    return record


def recompute_utility(path: str | Path) -> UtilityRecord:
    """A stored record with its metrics computed again from what it holds; no model is needed.

    Args:
        path: What `unlearnbench utility --out` wrote.

    Returns:
        The record, its metrics as this version defines them.

    Raises:
        RunError: The file is no such record, or was measured on other questions.
    """
    record = read_utility(Path(path))
    if rows_measured(record) is None:
        raise RunError(f"{path}: measured on other questions than this version's; measure it again")
    return with_stored_preferences(derived(record, Path(path)), path)


def utility_record(
    model: Measurement,
    base: Measurement | None,
    drift: Drift | None,
    sets: UtilitySets,
    created: str,
) -> UtilityRecord:
    """A record with its metrics."""
    metrics, base_metrics = all_metrics(model, base, drift, sets)
    return UtilityRecord(
        created=created,
        data=sets.fingerprint,
        model=model,
        base=base,
        drift=drift,
        preferences=None,
        metrics=metrics,
        base_metrics=base_metrics,
    )


def _measured(
    checkpoint: str,
    base: str | None,
    sets: UtilitySets,
    options: EngineOptions,
    kept: KeptStages,
) -> UtilityRecord:
    from unlearnbench.engines.transformers.engine import TransformersEngine

    if base is None:
        model, created = measure_loaded(TransformersEngine(checkpoint, options), sets, kept)
        return utility_record(model, None, None, sets, created)
    with TemporaryDirectory(prefix="unlearnbench-") as folder:
        distributions = KeptDistributions(Path(folder))
        engine = TransformersEngine(base, options)
        before, _ = measure_loaded(engine, sets, kept, distributions)
        del engine  # two models need not fit into memory
        watcher = DriftWatcher(distributions)
        engine = TransformersEngine(checkpoint, options)
        _check_ways(base, before, engine)
        model, created = measure_loaded(engine, sets, kept, watcher)
    return utility_record(model, before, watcher.drift, sets, created)


def _check_ways(base: str, before: Measurement, engine: ModelEngine) -> None:
    """Raise `RunError` if a base was not asked as its model is going to be."""
    info = engine.info
    settings = {"prompt_format": info.prompt_format, **info.settings}
    different = list(differences_of_ways(before.settings, settings))
    if different:
        raise RunError(
            f"--base {base}: it was asked in another way ({'; '.join(different)}), so that no "
            "figure of both can be compared; take a base with the same chat template, give both "
            "one --dtype, or leave --base out"
        )


def measure_loaded(
    engine: ModelEngine, sets: UtilitySets, kept: KeptStages, watch: Watcher | None = None
) -> tuple[Measurement, str]:
    """One model that is in memory, and when its measurement began.

    Raises `RunError` if what was kept of an earlier call lacks rows, or holds no numbers.
    """
    from unlearnbench.engines.transformers.measured import LoadedModel

    stages = kept.of(engine, sets.fingerprint)
    measured = measure_model(LoadedModel(engine), sets, stages, watch)
    if not is_whole(measured, sets):
        raise RunError(
            f"{kept.path}: what it holds of an earlier call lacks rows, or holds no numbers; "
            "remove it to measure again"
        )
    return measured, stages.created
