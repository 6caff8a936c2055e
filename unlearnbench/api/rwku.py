"""RWKU's own metrics of a checkpoint, and its rows as files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from unlearnbench.benchmark.rwku import load_rwku
from unlearnbench.benchmark.rwku_export import export_rwku
from unlearnbench.benchmark.rwku_facts import rwku_facts
from unlearnbench.protocol.prompting import check_by_protocol
from unlearnbench.rwku.measure import measure_rwku
from unlearnbench.rwku.record import RwkuRecord
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
    engine_options: EngineOptions = EngineOptions(),
) -> RwkuRecord:
    """Measure RWKU's own metrics: ROUGE-L recall by level and attack, membership inference.

    Args:
        checkpoint: Hub id, local folder, PEFT adapter folder, `.gguf` file, or alias.
        source: `hub`, or a folder with RWKU's tables.
        subjects: Whom the model was to forget. Default: everybody in the tables.
        engine_options: How the checkpoint is run.

    Returns:
        The metrics; None where a response or a row is missing.

    Raises:
        UnlearnbenchError: For every error that the caller can correct.
    """
    from unlearnbench.engines.transformers.engine import TransformersEngine
    from unlearnbench.engines.transformers.likelihood import text_likelihoods

    check_by_protocol(engine_options, "rwku")
    tables = load_rwku(source, subjects, texts=True)
    engine = TransformersEngine(checkpoint, engine_options)
    result = measure_rwku(tables, engine, partial(text_likelihoods, engine))
    return RwkuRecord(
        source=source,
        subjects=list(tables.subjects),
        data_fingerprint=tables.fingerprint,
        checkpoint=engine.info.checkpoint,
        checkpoint_fingerprint=engine.info.fingerprint,
        dtype=str(engine.info.settings["dtype"]),
        prompt_format=engine.info.prompt_format,
        scores=result.scores,
        by_subject={name: dict(scores) for name, scores in result.by_subject.items()},
        counts=dict(result.counts),
        empty=dict(result.empty),
        open=list(result.open),
    )


def export_subjects(source: str, subjects: Sequence[str], folder: Path) -> RwkuExport:
    """Write RWKU's rows about `subjects` into a folder that then serves as `source`, and
    `facts.csv`, their questions as `make-benchmark` takes them.

    Raises `BenchmarkError` for rows that cannot be had, or a folder that is not empty.
    """
    tables = load_rwku(source, subjects, texts=True)
    found = rwku_facts(tables)
    files = export_rwku(tables, found, folder)
    return RwkuExport(folder, tuple(files), found.left_out)
