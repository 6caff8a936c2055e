"""The shapes of `run.json`: what every run has, and what a reader of one needs besides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from unlearnbench.errors import RunError
from unlearnbench.runs.schema import Bool, Float, Identity, Int, Shape, Training, shaped
from unlearnbench.types import PromptFormat, Setting


class _Plan(Shape):
    plan: str
    judge_identity: str


class _Any(Shape):
    checkpoint: str
    settings: dict[str, Setting | None] | None = None


class AnyRun(Shape):
    """A run folder of any kind, those below a stress or relearning run included."""

    identity: _Plan
    generator: _Any | None = None
    status: str
    seconds: Float = Field(default=0.0, allow_inf_nan=False)


class _Noted(Shape):
    checkpoint: str
    notes: tuple[str, ...]


class _Generator(_Noted):
    settings: dict[str, Setting | None]
    fingerprint: str
    prompt_format: PromptFormat
    parameters: Int | None


class _Limit(_Plan):
    max_new_tokens: Int = Field(ge=1)
    temperature: Float = 0.0
    sampling_seed: Int = 0
    gen: dict[str, Int | Float] | None = None


class Replayable(Shape):
    """A run whose answers can stand in for its model."""

    identity: _Limit
    generator: _Generator


class _Protocol(_Limit):
    benchmark: str
    benchmark_version: str
    benchmark_fingerprint: str
    answers: str
    profile: str
    profile_fingerprint: str
    seed: Int
    limit: Int | None


class Answered(Replayable):
    """A score run whose answers can be judged again."""

    identity: _Protocol


class _Usage(Shape):
    calls: Int
    input_tokens: Int
    output_tokens: Int
    dollars: Float | None


class _Judge(Shape):
    name: str
    identity: str
    usage: _Usage | None = None


class _Data(Shape):
    benchmark: str
    version: str


class _Training(Training):
    data: _Data
    same_data: Bool


class _Shown(Identity):
    max_new_tokens: Int


class Judged(Shape):
    """A score run as it is shown or compared."""

    identity: _Shown
    generator: _Noted
    judge: _Judge
    status: str
    created: str
    training: _Training | None = None


class _Submitted(_Protocol):
    engine: str
    checkpoint: str


class Finished(Shape):
    """A score run that came to its end, as a submission or an attestation takes it."""

    identity: _Submitted
    generator: _Generator
    versions: dict[str, str | None]
    platform: str
    created: str
    finished: str
    scores: dict[str, Any]


def check_manifest(shape: type[Shape], manifest: Mapping[str, Any], folder: Path) -> None:
    """Refuse a `run.json` that lacks what `shape` needs. Raises `RunError` naming the field."""
    identity = manifest.get("identity")
    if not isinstance(identity, dict) or "benchmark" not in identity:
        raise RunError(
            f"{folder} is a part of a stress or relearning run; give the folder above it that "
            "holds stress.json or relearn.json"
        )
    shaped(shape, manifest, folder / "run.json")
