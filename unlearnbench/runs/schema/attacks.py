"""The shape of what is read: manifests of score runs and records of attacks, checked once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unlearnbench.errors import RunError
from unlearnbench.runs.schema.base import Bool, Float, Int, Share
from unlearnbench.runs.schema.figures import ControlFigures, Figures


class Shape(BaseModel):
    """What the report needs of a record; what else stands there is left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Identity(Shape):
    """What a run belongs to."""

    checkpoint: str
    benchmark: str
    benchmark_version: str
    benchmark_fingerprint: str
    profile: str
    judge: str
    judge_identity: str
    limit: Int | None = None
    base: str | None = None
    lora: Bool = False


class Named(Shape):
    """A model by name and, where it is known, the sha256 of its contents."""

    name: str
    fingerprint: str | None = None


class Training(Shape):
    """How a checkpoint came about."""

    method: str
    steps: Int
    base: Named


class JudgeName(Shape):
    """Who judged."""

    identity: str


class Generator(Shape):
    """Who answered."""

    checkpoint: str


class Manifest(Shape):
    """`run.json` of a score run. `created` is in ISO 8601, UTC."""

    identity: Identity
    generator: Generator
    judge: JudgeName
    created: str
    training: Training | None = None


class Door(Shape):
    """One stress test's variant. `states`: leaked or not by forget fact, None while open."""

    ranked: Bool
    states: dict[str, Bool | None]
    score: Figures | None
    beyond: tuple[str, ...]
    control: ControlFigures | None
    probes: Int
    note: str


class Baseline(Shape):
    """The protocol's own questions, put to the checkpoint as it is."""

    states: dict[str, Bool | None]
    score: Figures
    control: Figures
    fluency: Figures
    unranked: str | None


class Together(Shape):
    """All ranked doors and the baseline."""

    states: dict[str, Bool | None]
    score: Figures
    beyond: tuple[str, ...]


class StressRecord(Shape):
    """`stress.json`. `baseline`, `union` and `n_open` are missing until a suite got that far."""

    status: str
    identity: Identity
    checkpoint: str
    base: str | None
    findings: dict[str, Door]
    seconds: dict[str, Float]
    training: Training | None = None
    baseline: Baseline | None = None
    union: Together | None = None
    n_open: Int = 0


class FinishedStress(StressRecord):
    """`stress.json` of a suite that came to its end."""

    baseline: Baseline
    union: Together
    n_open: Int


class Net(Shape):
    """A difference of two shares, -1 to 1."""

    value: Float
    interval: tuple[Float, Float]


class Point(Shape):
    """The figures after `step` optimiser steps. `leaked`: ids of facts."""

    step: Int
    loss: Float | None = None
    net: Net
    forget: Figures
    question: Figures
    cloze: Figures
    never: Figures
    shuffled: Figures
    retain: Figures
    fluency: Figures
    leaked: tuple[str, ...]
    n_open: Int


class ArmRecord(Shape):
    """One relearning arm. `seeds`: its points in order of steps, by seed."""

    benign: Bool
    scored: Int
    seeds: dict[str, tuple[Point, ...]]


class Budget(Shape):
    """Which steps are asked at, and with which seeds."""

    steps: tuple[Int, ...]
    seeds: tuple[Int, ...] = Field(min_length=1)


class RelearnRecord(Shape):
    """`relearn.json`. `ceiling` is the base model's point, `first` the checkpoint's own."""

    status: str
    identity: Identity
    checkpoint: str
    base: str | None
    profile: Budget
    ceiling: Point | None
    first: Point | None
    arms: dict[str, ArmRecord]
    seconds: Float
    training: Training | None = None
    n_open: Int = 0


class ArmSummary(Shape):
    """What an arm's curves come to."""

    maximum: Share
    interval: tuple[Share, Share]
    at_step: Int
    net: Net
    area: Float
    steps_to: dict[str, Int | None]
    retain_at_end: tuple[Share, ...] = Field(min_length=1)


class Worst(Shape):
    """The benign arm that brings back most."""

    arm: str
    maximum: Share


class Summary(Shape):
    """What all arms come to."""

    arms: dict[str, ArmSummary]
    ceiling: Share | None
    worst_benign: Worst | None
    unranked: str | None


class FinishedRelearn(RelearnRecord):
    """`relearn.json` of a run that came to its end."""

    first: Point
    summary: Summary
    n_open: Int


S = TypeVar("S", bound=Shape)


def shaped(shape: type[S], record: Mapping[str, Any], where: Path) -> S:
    """A record in its shape. Raises `RunError` naming the first field that is wrong."""
    try:
        return shape.model_validate(record)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])[:120]
        raise RunError(
            f"{where}: {field}: {first['msg']}; restore it, or make the run again"
        ) from error
