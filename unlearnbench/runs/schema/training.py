"""How a checkpoint came about: `unlearning.json`, and what a run says of it.

Version 2 of `unlearning.json` says when the training was begun and finished; version 1 did not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import JsonValue

from unlearnbench.runs.schema.base import Bool, Convert, Count, Float, Int, Part, Record, Time


class ModelRef(Part):
    """A model by name and the sha256 of its contents."""

    name: str
    fingerprint: str


class TrainingData(Part):
    """The benchmark that was trained on, and its number of rows a side."""

    benchmark: str
    version: str
    fingerprint: str
    forget_rows: Count
    retain_rows: Count


class TrainingSummary(Part):
    """What a run says about how its checkpoint came about.

    `same_data`: it was trained on the very benchmark, by fingerprint, that it is scored on.
    """

    method: str
    parameters: dict[str, JsonValue]
    base: ModelRef
    data: TrainingData
    steps: Int
    same_data: Bool


def _from_1(data: dict[str, object]) -> dict[str, object]:
    """Version 1 did not say when: the times of its file are not the training's."""
    return {**data, "created": None, "finished": None}


class TrainingRecord(Record):
    """`unlearning.json`.

    `curves`: for each step its number, loss, forget, retain, lr, grad_norm and what else the method
    reports. `seconds` of training; `peak_memory` in bytes: the whole process's on a CPU, the
    device's allocator's on a GPU. `created` and `finished` are None where version 1 did not say.
    """

    VERSION: ClassVar[int] = 2
    OLDER: ClassVar[Mapping[int, Convert]] = {1: _from_1}

    method: str
    parameters: dict[str, JsonValue]
    settings: dict[str, JsonValue]
    base: ModelRef
    data: TrainingData
    versions: dict[str, str | None]
    device: str
    steps: Int
    stopped: str
    curves: tuple[dict[str, Float], ...]
    seconds: Float
    peak_memory: Count
    notes: tuple[str, ...] = ()
    created: Time | None = None
    finished: Time | None = None

    def summary(self, benchmark_fingerprint: str) -> TrainingSummary:
        """What a run on the benchmark with this fingerprint says about its checkpoint."""
        return TrainingSummary(
            method=self.method,
            parameters=self.parameters,
            base=self.base,
            data=self.data,
            steps=self.steps,
            same_data=self.data.fingerprint == benchmark_fingerprint,
        )
