"""The shape of what is read: manifests of score runs and records of attacks, checked once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unlearnbench.errors import RunError
from unlearnbench.types import Score


class Shape(BaseModel):
    """What the report needs of a record; what else stands there is left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Figures(Shape):
    """A share as attacks record it, 0 to 1; `high` counts what is open as leaked."""

    low: float
    high: float
    n: int
    n_open: int
    interval: tuple[float, float]


class ControlFigures(Figures):
    """The same attack where there is nothing to find."""

    kind: str


class Identity(Shape):
    """What a run belongs to."""

    checkpoint: str
    benchmark: str
    benchmark_version: str
    benchmark_fingerprint: str
    profile: str
    judge: str
    judge_identity: str
    limit: int | None = None
    base: str | None = None
    lora: bool = False


class Named(Shape):
    """A model by name and, where it is known, the sha256 of its contents."""

    name: str
    fingerprint: str | None = None


class Training(Shape):
    """How a checkpoint came about."""

    method: str
    steps: int
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

    ranked: bool
    states: dict[str, bool | None]
    score: Figures | None
    beyond: tuple[str, ...]
    control: ControlFigures | None
    probes: int
    note: str


class Baseline(Shape):
    """The protocol's own questions, put to the checkpoint as it is."""

    states: dict[str, bool | None]
    score: Figures
    control: Figures
    fluency: Figures
    unranked: str | None


class Together(Shape):
    """All ranked doors and the baseline."""

    states: dict[str, bool | None]
    score: Figures
    beyond: tuple[str, ...]


class StressRecord(Shape):
    """`stress.json`. `baseline`, `union` and `n_open` are missing until a suite got that far."""

    status: str
    identity: Identity
    checkpoint: str
    base: str | None
    findings: dict[str, Door]
    seconds: dict[str, float]
    training: Training | None = None
    baseline: Baseline | None = None
    union: Together | None = None
    n_open: int = 0


class Point(Shape):
    """The figures after `step` optimiser steps. `leaked`: ids of facts."""

    step: int
    forget: Figures
    question: Figures
    cloze: Figures
    never: Figures
    shuffled: Figures
    retain: Figures
    fluency: Figures
    leaked: tuple[str, ...]
    n_open: int


class ArmRecord(Shape):
    """One relearning arm. `seeds`: its points in order of steps, by seed."""

    benign: bool
    scored: int
    seeds: dict[str, tuple[Point, ...]]


class Budget(Shape):
    """Which steps are asked at, and with which seeds."""

    steps: tuple[int, ...]
    seeds: tuple[int, ...] = Field(min_length=1)


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
    training: Training | None = None
    n_open: int = 0


S = TypeVar("S", bound=Shape)


def shaped(shape: type[S], record: Mapping[str, Any], where: Path) -> S:
    """A record in its shape. Raises `RunError` naming the first field that is wrong."""
    try:
        return shape.model_validate(record)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise RunError(
            f"{where}: {field}: {first['msg']}; restore it, or make the run again"
        ) from error


def figures(score: Score) -> Figures:
    """A score in the shape that attacks record."""
    ends = (score.interval.low, score.interval.high)
    return Figures(low=score.low, high=score.high, n=score.n, n_open=score.n_open, interval=ends)
