"""RWKU's own metrics of a checkpoint, and its rows as files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from unlearnbench.api.measured import check_measuring, measured_model
from unlearnbench.benchmark.rwku import load_rwku
from unlearnbench.benchmark.rwku_export import export_rwku
from unlearnbench.benchmark.rwku_facts import rwku_facts
from unlearnbench.rwku.measure import measure_rwku
from unlearnbench.rwku.record import RwkuRecord, write_rwku
from unlearnbench.types.options import EngineOptions


@dataclass(frozen=True, slots=True)
class RwkuExport:
    """The files that were written, and which rows are no facts of our protocol, and why."""

    folder: Path
    files: tuple[Path, ...]
    left_out: tuple[str, ...]


def score_rwku(
    checkpoint: str,
    source: str,
    subjects: Sequence[str] = (),
    *,
    out: str | Path | None = None,
    engine_options: EngineOptions = EngineOptions(),
) -> RwkuRecord:
    """Measure RWKU's own metrics: ROUGE-L recall by level and attack, membership inference.

    Args:
        checkpoint: Hub id, local folder, PEFT adapter folder, `.gguf` file, or alias.
        source: `hub`, or a folder with RWKU's tables.
        subjects: Whom the model was to forget. Default: everybody in the tables.
        out: Where the result is written as JSON. Responses are kept beside it until then, so that
            the same call, if it was cut off, goes on.
        engine_options: How the checkpoint is run.

    Returns:
        The metrics; None where a response or a row is missing.

    Raises:
        UnlearnbenchError: For every error that the caller can correct.
    """
    from unlearnbench.engines.transformers.likelihood import text_likelihoods

    place = check_measuring(engine_options, "rwku", None if out is None else Path(out))
    tables = load_rwku(source, subjects, texts=True)
    with measured_model(checkpoint, engine_options, place) as model:
        result = measure_rwku(tables, model.generator, partial(text_likelihoods, model.engine))
        record = RwkuRecord(
            source=source,
            subjects=list(tables.subjects),
            data_fingerprint=tables.fingerprint,
            checkpoint=model.name,
            checkpoint_fingerprint=model.fingerprint,
            dtype=model.dtype,
            prompt_format=model.engine.info.prompt_format,
            scores=result.scores,
            by_subject={name: dict(scores) for name, scores in result.by_subject.items()},
            counts=dict(result.counts),
            empty=dict(result.empty),
            open=list(result.open),
        )
        if place is not None:
            write_rwku(record, place)
    return record


def export_subjects(source: str, subjects: Sequence[str], folder: Path) -> RwkuExport:
    """Write RWKU's rows about `subjects` into a folder that then serves as `source`, and
    `facts.csv`, their questions as `make-benchmark` takes them.

    Raises `BenchmarkError` for rows that cannot be had, or a folder that is not empty.
    """
    tables = load_rwku(source, subjects, texts=True)
    found = rwku_facts(tables)
    files = export_rwku(tables, found, folder)
    return RwkuExport(folder, tuple(files), found.left_out)
