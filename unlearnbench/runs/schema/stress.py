"""`stress.json`: the findings of each stress test, and their union."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from unlearnbench.runs.schema.attack import AttackRecord
from unlearnbench.runs.schema.base import Bool, Convert, Count, Float, Part
from unlearnbench.runs.schema.figures import ControlFigures, Figures
from unlearnbench.runs.schema.identity import StressIdentity

States = dict[str, Bool | None]
"""Whether each forget fact leaked; None while it is open."""


class DoorRecord(Part):
    """One stress test's variant.

    `score` is None where nothing was asked. `beyond`: facts that leak here and not to the
    protocol's own questions. `details` are figures of the test's own.
    """

    ranked: Bool
    states: States
    score: Figures | None
    beyond: tuple[str, ...]
    control: ControlFigures | None
    probes: Count
    seconds: Float
    details: dict[str, JsonValue] = Field(default_factory=dict)
    note: str


class FindingRecord(Part):
    """What a reader of the baseline's scores must know; see `RunFinding`."""

    code: str
    severity: Literal["warning", "note"]
    text: str


class BaselineRecord(Part):
    """The protocol's own questions, put to the checkpoint as it is. `unranked`: why, if so."""

    states: States
    score: Figures
    control: Figures
    fluency: Figures
    unranked: str | None
    findings: tuple[FindingRecord, ...] = ()


class UnionRecord(Part):
    """All ranked doors and the baseline together."""

    states: States
    score: Figures
    beyond: tuple[str, ...]


def _from_2(data: dict[str, object]) -> dict[str, object]:
    """Until version 2 engine `transformers` asked, and only what needs a base was left out."""
    return {**data, "left_out": {}, "compared": None}


class StressRecord(AttackRecord):
    """`stress.json`. `seconds` by test. `baseline` and `union` are None until it got that far.

    `left_out`: tests that could not be run, and why; nothing is known of their doors. `compared`:
    whether what engine `vllm` loaded was compared with the checkpoint's files; None for engine
    `transformers`, which loads them itself.
    """

    VERSION: ClassVar[int] = 3
    OLDER: ClassVar[Mapping[int, Convert]] = {**AttackRecord.OLDER, 2: _from_2}
    KIND: ClassVar[str] = "stress"
    CALLED: ClassVar[str] = "stress tests"

    kind: Literal["stress"] = "stress"
    identity: StressIdentity
    findings: dict[str, DoorRecord]
    seconds: dict[str, Float]
    baseline: BaselineRecord | None = None
    union: UnionRecord | None = None
    left_out: dict[str, str] = Field(default_factory=dict)
    compared: Bool | None = None


class FinishedStress(StressRecord):
    """`stress.json` of a finished suite."""

    baseline: BaselineRecord
    union: UnionRecord
