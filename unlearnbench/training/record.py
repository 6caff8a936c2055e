"""`unlearning.json`: what was done to a checkpoint, written beside its weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from unlearnbench.disk import write_atomically
from unlearnbench.errors import TrainingError, UnreadableError
from unlearnbench.reading import read_object
from unlearnbench.runs.schema import ModelRef, TrainingData, TrainingSummary

RECORD = "unlearning.json"


def _texts(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def check(values: dict[str, Any]) -> dict[str, Any]:
        wrong = [name for name in names if not isinstance(values.get(name), str)]
        if wrong:
            raise ValueError(f"no text in {wrong[0]!r}")
        return values

    return check


class Unlearning(BaseModel):
    """How a checkpoint came about.

    `base`, `data`: name and fingerprint of the model that was trained and of the benchmark (with
    its number of rows a side). `curves`: a record a step with loss, forget, retain, lr, grad_norm
    and what else the method reports. `seconds` of training, `peak_memory` in bytes: the whole
    process's on a CPU, the device's allocator's on a GPU.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = 1
    method: str
    parameters: dict[str, Any]
    settings: dict[str, Any]
    base: Annotated[dict[str, Any], AfterValidator(_texts("name", "fingerprint"))]
    data: Annotated[dict[str, Any], AfterValidator(_texts("benchmark", "version", "fingerprint"))]
    versions: dict[str, str | None]
    device: str
    steps: int
    stopped: str
    curves: list[dict[str, float]]
    seconds: float
    peak_memory: int
    notes: list[str] = []


def summary(checkpoint: Path, benchmark_fingerprint: str) -> TrainingSummary | None:
    """What a run says about how its checkpoint came about, or None if nothing is known.

    `same_data`: it was trained on the very benchmark, by fingerprint, that it is scored on.
    """
    record = read_record(checkpoint)
    if record is None:
        return None
    return TrainingSummary(
        method=record.method,
        parameters=record.parameters,
        base=ModelRef.model_validate(record.base),
        data=TrainingData.model_validate(record.data),
        steps=record.steps,
        same_data=record.data["fingerprint"] == benchmark_fingerprint,
    )


def write_record(folder: Path, record: Unlearning) -> None:
    """Write a checkpoint's record."""
    text = json.dumps(record.model_dump(mode="json"), indent=1, ensure_ascii=False)
    write_atomically(folder / RECORD, text + "\n")


def read_record(folder: Path) -> Unlearning | None:
    """A checkpoint's record, or None if it has none. Raises `TrainingError` if it is damaged."""
    path = folder / RECORD
    if not path.exists():
        return None
    try:
        return Unlearning.model_validate(read_object(path, own=True))
    except UnreadableError as error:
        what = error.what
        cause: Exception = error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        what = f"{'.'.join(map(str, first['loc']))[:120]}: {first['msg']}"
        cause = error
    raise TrainingError(f"{path}: not a record of training ({what}); remove it") from cause
