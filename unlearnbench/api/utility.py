"""What a checkpoint can still do, which forgetting is weighed against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from unlearnbench.api.preferences import with_preferences
from unlearnbench.benchmark.utility_sets import UtilitySets, load_utility_sets
from unlearnbench.errors import EngineError, RunError
from unlearnbench.protocol.prompting import check_by_protocol
from unlearnbench.runs.schema.base import utc_now
from unlearnbench.runs.schema.utility import Drift, Measurement, Metric, UtilityRecord
from unlearnbench.runs.utility import read_utility
from unlearnbench.types.options import EngineOptions
from unlearnbench.utility.compared import DriftWatcher, KeptDistributions
from unlearnbench.utility.composite import composite
from unlearnbench.utility.measure import Watcher, measure_model
from unlearnbench.utility.summary import drift_metrics, metrics_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from unlearnbench.engines.tokens import AnswerTokens
    from unlearnbench.engines.transformers.engine import TransformersEngine
    from unlearnbench.types import Probe
    from unlearnbench.utility.measure import Distributions


def measure_utility(
    checkpoint: str,
    base: str | None = None,
    *,
    limit: int | None = None,
    engine_options: EngineOptions = EngineOptions(),
) -> UtilityRecord:
    """Measure what a checkpoint can still do: choices, answers to instructions, prose, drift.

    Args:
        checkpoint: Hub id, local folder, PEFT adapter folder, `.gguf` file, or alias.
        base: The model before unlearning, which is measured beside it.
        limit: Only the first rows of each kind.
        engine_options: How both are run.

    Returns:
        The metrics, with all log-probabilities and answers that they are computed from.

    Raises:
        UnlearnbenchError: For every error that the caller can correct.
    """
    check_by_protocol(engine_options, "utility")
    if limit is not None and limit < 1:
        raise EngineError(f"--limit {limit}: a number from 1 up")
    sets = load_utility_sets()
    sets = sets if limit is None else sets.first(limit)
    return _measured(checkpoint, base, sets, engine_options)


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
    sets = load_utility_sets().first(len(record.model.letters))
    if sets.fingerprint != record.data:
        raise RunError(f"{path}: measured on other questions than this version's; measure it again")
    base = {} if record.base is None else metrics_of(record.base, sets)
    metrics = _all_metrics(record.model, base, record.drift, sets)
    again = record.model_copy(update={"metrics": metrics, "base_metrics": base})
    return with_preferences(again, record.preferences) if record.preferences else again


def _all_metrics(
    model: Measurement, base: Mapping[str, Metric], drift: Drift | None, sets: UtilitySets
) -> dict[str, Metric]:
    """A model's metrics, and those that compare it with its base."""
    metrics = metrics_of(model, sets)
    if drift is None:
        return metrics
    return {**metrics, **drift_metrics(drift), "composite": composite(metrics, base)}


def _measured(
    checkpoint: str, base: str | None, sets: UtilitySets, options: EngineOptions
) -> UtilityRecord:
    base_measured, drift = None, None
    if base is None:
        model = _measure_one(checkpoint, sets, options)
    else:
        with TemporaryDirectory(prefix="unlearnbench-") as folder:
            kept = KeptDistributions(Path(folder))
            base_measured = _measure_one(base, sets, options, kept)
            watcher = DriftWatcher(kept)
            model = _measure_one(checkpoint, sets, options, watcher)
        drift = watcher.drift
    base_metrics = {} if base_measured is None else metrics_of(base_measured, sets)
    return UtilityRecord(
        created=utc_now(),
        data=sets.fingerprint,
        model=model,
        base=base_measured,
        drift=drift,
        preferences=None,
        metrics=_all_metrics(model, base_metrics, drift, sets),
        base_metrics=base_metrics,
    )


def _measure_one(
    checkpoint: str, sets: UtilitySets, options: EngineOptions, watch: Watcher | None = None
) -> Measurement:
    """One model, loaded and let go again."""
    from unlearnbench.engines.transformers.engine import TransformersEngine

    return measure_model(_LoadedModel(TransformersEngine(checkpoint, options)), sets, watch)


class _LoadedModel:
    """A checkpoint in memory, as `utility.measure.MeasuredModel`."""

    def __init__(self, engine: TransformersEngine) -> None:
        self.generator = engine

    def letters(self, prompts: Sequence[str], letters: str) -> NDArray[np.float64]:
        from unlearnbench.engines.transformers.next_tokens import letter_logprobs

        return letter_logprobs(self.generator, prompts, letters)

    def answers(self, asked: Sequence[tuple[Probe, str]]) -> list[AnswerTokens]:
        from unlearnbench.engines.transformers.likelihood import likelihoods

        return likelihoods(self.generator, asked)

    def distributions(self, texts: Sequence[str]) -> Distributions:
        from unlearnbench.engines.transformers.next_tokens import text_distributions

        return text_distributions(self.generator, texts)
