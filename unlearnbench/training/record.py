"""`unlearning.json`: what was done to a checkpoint, written beside its weights."""

from __future__ import annotations

import json
from pathlib import Path

from unlearnbench.disk import write_atomically
from unlearnbench.errors import RunError, TrainingError, UnreadableError
from unlearnbench.reading import read_object
from unlearnbench.runs.schema import TrainingRecord, TrainingSummary

RECORD = "unlearning.json"


def summary(checkpoint: Path, benchmark_fingerprint: str) -> TrainingSummary | None:
    """What a run says about how its checkpoint came about, or None if nothing is known.

    `same_data`: it was trained on the very benchmark, by fingerprint, that it is scored on.
    """
    record = read_record(checkpoint)
    return None if record is None else record.summary(benchmark_fingerprint)


def write_record(folder: Path, record: TrainingRecord) -> None:
    """Write a checkpoint's record."""
    text = json.dumps(record.to_disk(), indent=1, ensure_ascii=False)
    write_atomically(folder / RECORD, text + "\n")


def read_record(folder: Path) -> TrainingRecord | None:
    """A checkpoint's record, or None if it has none. Raises `TrainingError` if it is damaged."""
    path = folder / RECORD
    if not path.exists():
        return None
    try:
        return TrainingRecord.from_disk(read_object(path, own=True), path)
    except (UnreadableError, RunError) as error:
        raise TrainingError(f"{error}; not a record of training: remove it") from error
