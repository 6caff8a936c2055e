"""What an attack record tells of itself and nothing derives: bounded, and fit to be shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unlearnbench.runs.schema import FinishedRelearn, FinishedStress
from unlearnbench.submissions.fields import (
    BoundedCount,
    ClaimedTime,
    Sha256,
    ShownLine,
    ShownName,
    Version,
)
from unlearnbench.submissions.schema import DataClaim, ModelClaim, Package, Settings
from unlearnbench.submissions.untrusted import Refusal

_MOST_SECONDS = 1e9
StressTestName = Literal["sampling", "quantize", "formats", "interpolate", "lens"]
"""Those that ship: no other is submitted."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Training(_Model):
    """How the checkpoint was trained; a method that does not ship keeps its name."""

    method: ShownName
    parameters: Settings
    base: ModelClaim
    data: DataClaim
    steps: BoundedCount
    same_data: bool


class _Identity(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    judge_identity: Sha256
    dtype: Literal["float32", "bfloat16", "float16"] | None = None
    think_tokens: BoundedCount | None = None
    vllm: Version | None = None
    vllm_arguments: ShownLine | None = None


class _Told(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    identity: _Identity
    versions: dict[Package, Version | None]
    training: _Training | None
    created: ClaimedTime | None
    finished: ClaimedTime | None
    left_out: dict[StressTestName, ShownLine] = Field(default_factory=dict)


def check_told(record: FinishedStress | FinishedRelearn) -> None:
    """Raise `Refusal` with the first told field that no attack could have."""
    try:
        _Told.model_validate(record.to_disk())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))[:120]
        raise Refusal("attack", f"{record.kind}.json, {place}", first["msg"][:120]) from error
    for place, seconds in _seconds(record):
        if not 0 <= seconds <= _MOST_SECONDS:
            what = f"{seconds:.6g}, which no attack takes"
            raise Refusal("attack", f"{record.kind}.json, {place[:120]}", what)


def _seconds(record: FinishedStress | FinishedRelearn) -> Iterator[tuple[str, float]]:
    if isinstance(record, FinishedRelearn):
        yield "seconds", record.seconds
        return
    for name, seconds in record.seconds.items():
        yield f"seconds.{name}", seconds
    for name, door in record.findings.items():
        yield f"findings.{name}.seconds", door.seconds
