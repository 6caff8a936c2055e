"""MUSE's own metrics of checkpoints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnbench.api.measured import METRICS, LoadedCheckpoint, check_measuring, measured_model
from unlearnbench.benchmark.muse import MuseSets, chosen_corpus, load_muse
from unlearnbench.errors import BenchmarkError, CheckpointError, EngineError, MissingExtraError
from unlearnbench.muse.definitions import MuseDefinitions, muse_definitions
from unlearnbench.muse.measure import leak_of, measure_muse
from unlearnbench.muse.record import (
    MuseRecord,
    MuseSeries,
    RetrainedModel,
    read_retrained,
    write_muse,
)
from unlearnbench.muse.stored import measured_before, stored_records
from unlearnbench.types.options import EngineOptions

if TYPE_CHECKING:
    from unlearnbench.checkpoints.resolve import Checkpoint


def score_muse(
    checkpoints: Sequence[str],
    corpus: str,
    source: str = "hub",
    *,
    like: str = "muse",
    retain_log: str | Path | None = None,
    out: str | Path | None = None,
    resume: bool = True,
    engine_options: EngineOptions = EngineOptions(),
) -> MuseSeries:
    """Measure MUSE's own metrics: verbatim memory, knowledge memory, privacy leakage.

    Args:
        checkpoints: Hub ids, folders, adapters, `.gguf` files or aliases. Several are a series:
            models unlearnt on more and more texts (`scal`), or one after the other (`sust`).
        corpus: `news` or `books`.
        source: `hub`, or a folder with MUSE's tables.
        like: By whose definitions: `muse` or `open-unlearning`.
        retain_log: Result of a model that never saw the forget texts.
        out: Where the result is written as JSON, after each checkpoint. Responses are kept beside
            it until then, so that the same call, if it was cut off, goes on.
        resume: Do not measure again what `out` holds; if False, measure all.
        engine_options: How the checkpoints are run.

    Returns:
        The metrics of each checkpoint, in percent; None where a response is missing. A checkpoint
        that could not be measured is named in `failed`, if another one could be.

    Raises:
        UnlearnbenchError: For every error that the caller can correct.
    """
    place = check_measuring(engine_options, "muse", None if out is None else Path(out), *METRICS)
    definitions = muse_definitions(like)
    sets = load_muse(source, chosen_corpus(corpus))
    retrained = None
    if retain_log is not None:
        retrained = read_retrained(Path(retain_log), sets.fingerprint, like)
    stored = stored_records(place) if place is not None else ()
    job = _Job(sets, definitions, retrained, source, engine_options, stored if resume else ())
    named = job.resolved(checkpoints)
    known = [job.known(checkpoint.found) for checkpoint in named]
    records: list[MuseRecord] = []
    failed: dict[str, str] = {}
    for number, checkpoint in enumerate(named):
        try:
            with job.measured(checkpoint, known[number], place) as record:
                records.append(record)
                if place is not None:
                    later = [one for one in known[number + 1 :] if one is not None]
                    write_muse([*records, *later], place)
        except (BenchmarkError, CheckpointError, EngineError, MissingExtraError) as error:
            if len(checkpoints) == 1:
                raise
            failed[checkpoint.name] = str(error)
    if not records:
        raise EngineError("; ".join(f"{name}: {why}" for name, why in failed.items()))
    return MuseSeries(tuple(records), failed)


@dataclass(frozen=True, slots=True)
class _Named:
    """A checkpoint of a series: as it was typed, and what that is."""

    name: str
    found: Checkpoint


@dataclass(frozen=True, slots=True)
class _Job:
    """What is the same for each checkpoint of a series. `stored` was measured before."""

    sets: MuseSets
    definitions: MuseDefinitions
    retrained: RetrainedModel | None
    source: str
    options: EngineOptions
    stored: tuple[MuseRecord, ...]

    def resolved(self, names: Sequence[str]) -> list[_Named]:
        """All of them, before any is measured. Raises `CheckpointError` for one that is nowhere."""
        from unlearnbench.checkpoints.resolve import resolve

        return [_Named(name, resolve(name)) for name in names]

    @contextmanager
    def measured(
        self, checkpoint: _Named, known: MuseRecord | None, out: Path | None
    ) -> Iterator[MuseRecord]:
        """The record of a checkpoint, to be written while this is open."""
        if known is not None:
            yield known
            return
        # The model goes away before the next one is loaded.
        with measured_model(checkpoint.name, self.options, out) as model:
            yield self._record(model)

    def known(self, found: Checkpoint) -> MuseRecord | None:
        """What was measured of these contents before, its PrivLeak relative to this retain log."""
        if not self.stored or self.options.think_tokens is not None:
            return None
        from unlearnbench.engines.transformers.loading import choose_device, choose_dtype

        dtype = choose_dtype(self.options.dtype, choose_device(self.options.device))
        record = measured_before(
            self.stored,
            {
                "data_fingerprint": self.sets.fingerprint,
                "like": self.definitions.name,
                "checkpoint_fingerprint": found.fingerprint,
                "dtype": str(dtype).removeprefix("torch."),
            },
        )
        if record is None:
            return None
        leak = leak_of(record.auc, self.sets.corpus, self.definitions, self._auc)
        return replace(
            record,
            source=self.source,
            checkpoint=found.label,
            scores={**record.scores, "privleak": leak},
            compared_with=self._compared_with(found.fingerprint),
        )

    @property
    def _auc(self) -> float | None:
        return None if self.retrained is None else self.retrained.auc

    def _record(self, model: LoadedCheckpoint) -> MuseRecord:
        """What is measured of one checkpoint."""
        from unlearnbench.engines.transformers.encoding import first_tokens
        from unlearnbench.engines.transformers.likelihood import text_likelihoods

        scorer = partial(text_likelihoods, model.engine)
        cut = partial(first_tokens, model.engine.tokenizer)
        result = measure_muse(self.sets, model.generator, scorer, cut, self.definitions, self._auc)
        return MuseRecord(
            source=self.source,
            corpus=self.sets.corpus,
            like=self.definitions.name,
            data_fingerprint=self.sets.fingerprint,
            checkpoint=model.name,
            checkpoint_fingerprint=model.fingerprint,
            dtype=model.dtype,
            scores=result.scores,
            auc=result.auc,
            compared_with=self._compared_with(model.fingerprint),
            empty=result.empty,
            open=list(result.open),
        )

    def _compared_with(self, fingerprint: str) -> str:
        """Whose AUC stands for a retrained model's."""
        if self.retrained is not None and self.retrained.fingerprint == fingerprint:
            own = "this very checkpoint: privleak is 0, whatever it knows"
            return f"{self.retrained.checkpoint}, {own}"
        if self.retrained is not None:
            return self.retrained.checkpoint
        if self.definitions.name == "muse":
            return (
                "the retrained model of MUSE's authors (7B), which is no measure for other models"
            )
        return "an AUC of 0.5, which no model was measured to have"
