"""`unlearning.json`: what was done to a checkpoint, written beside its weights."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from unlearnbench.errors import TrainingError, UnreadableError
from unlearnbench.files.disk import write_atomically
from unlearnbench.files.reading import read_object
from unlearnbench.runs.schema import TrainingRecord, TrainingSummary
from unlearnbench.runs.schema.base import UnknownVersionError, fault

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
    cause: Exception
    try:
        return TrainingRecord.model_validate(
            TrainingRecord.upgraded(read_object(path, lenient=True))
        )
    except UnreadableError as error:
        what, cause = error.what, error
    except UnknownVersionError as error:
        what, cause = str(error), error
    except ValidationError as error:
        what, cause = fault(error), error
    raise TrainingError(f"{path}: not a record of training ({what}); remove it") from cause
