"""How a checkpoint came about: `unlearning.json`, and what a run says of it."""

from __future__ import annotations

from pydantic import ConfigDict, JsonValue

from unlearnbench.runs.schema.base import Bool, Int, Part


class ModelRef(Part):
    """A model by name and the sha256 of its contents."""

    name: str
    fingerprint: str


class TrainingData(Part):
    """The benchmark that was trained on; rows a side stand beside it."""

    model_config = ConfigDict(extra="allow")
    benchmark: str
    version: str
    fingerprint: str


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
