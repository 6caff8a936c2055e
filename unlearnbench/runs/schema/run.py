"""`run.json`: one run, of `score` or below a stress or relearning run.

Version 3 says what surrounded the weights. Version 2 has `judge`, `platform`, `created` and
`finished` in every run; version 1 lacked them in the runs below attacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Discriminator, Field, Tag

from unlearnbench.errors import RunError
from unlearnbench.interfaces import Judge, PaidJudge
from unlearnbench.runs.schema.base import Convert, Count, Float, Part, Record, Status, Time
from unlearnbench.runs.schema.figures import ScoreRecord
from unlearnbench.runs.schema.identity import RunIdentity, ScoreIdentity
from unlearnbench.runs.schema.surroundings import Surroundings
from unlearnbench.runs.schema.training import TrainingSummary
from unlearnbench.types import GeneratorInfo, PromptFormat, Setting

Purpose = Literal["shown", "judged again", "submitted"]
_NEEDED: Mapping[Purpose, tuple[str, ...]] = {
    "shown": ("created",),
    "judged again": ("identity.answers",),
    "submitted": ("platform", "created", "finished", "scores"),
}
"""Fields that a score run may lack and that a use of it cannot do without."""


class GeneratorRecord(Part):
    """The engine and checkpoint; see `GeneratorInfo`.

    `surroundings` are None in runs before version 3, in replayed ones, and where an engine does not
    know them.
    """

    engine: str
    checkpoint: str
    fingerprint: str
    prompt_format: PromptFormat
    settings: dict[str, Setting | None]
    parameters: Count | None
    notes: tuple[str, ...]
    source: str | None = None
    surroundings: Surroundings | None = None

    @classmethod
    def of(cls, info: GeneratorInfo) -> Self:
        """What a generator says of itself, to be stored."""
        return cls(
            engine=info.engine,
            checkpoint=info.checkpoint,
            fingerprint=info.fingerprint,
            prompt_format=info.prompt_format,
            settings=dict(info.settings),
            parameters=info.parameters,
            notes=info.notes,
            source=info.source,
            surroundings=Surroundings.of(info.surroundings) if info.surroundings else None,
        )


class UsageRecord(Part):
    """The cost of a paid judge: calls, tokens, US dollars at list price (None: not known)."""

    calls: Count
    input_tokens: Count
    output_tokens: Count
    dollars: Float | None
    models: dict[str, Count] = Field(default_factory=dict)


class JudgeRecord(Part):
    """The judge of a run. `identity` is its fingerprint."""

    name: str
    identity: str
    usage: UsageRecord | None = None

    @classmethod
    def of(cls, judge: Judge) -> Self:
        """A judge, and what it has taken so far if it is paid."""
        if not isinstance(judge, PaidJudge):
            return cls(name=judge.name, identity=judge.identity)
        spent = judge.usage
        usage = UsageRecord(
            calls=spent.calls,
            input_tokens=spent.input_tokens,
            output_tokens=spent.output_tokens,
            dollars=spent.dollars,
            models=dict(spent.models),
        )
        return cls(name=judge.name, identity=judge.identity, usage=usage)


def _kind(identity: object) -> str:
    if isinstance(identity, ScoreIdentity):
        return "<score>"
    return "<score>" if isinstance(identity, dict) and "benchmark" in identity else "<part>"


AnyIdentity = Annotated[
    Annotated[ScoreIdentity, Tag("<score>")] | Annotated[RunIdentity, Tag("<part>")],
    Discriminator(_kind),
]


def _from_1(data: dict[str, object]) -> dict[str, object]:
    """Version 1 named the judge of a run below an attack in its identity alone."""
    identity = data.get("identity")
    if "judge" in data or not isinstance(identity, dict):
        return data
    judge = {"name": identity.get("judge"), "identity": identity.get("judge_identity")}
    return {**data, "judge": judge}


def _from_2(data: dict[str, object]) -> dict[str, object]:
    """Version 2 did not say what surrounded the weights, and nothing else shows it."""
    generator = data.get("generator")
    if not isinstance(generator, dict):
        return data
    return {**data, "generator": {**generator, "surroundings": None}}


class RunRecord(Record):
    """`run.json`.

    `platform`, `created` and `finished` are None where an older version did not say; `finished`
    and `scores` until a run was closed. `seconds` is the time all calls took together. `training`
    is None where nobody knows how the checkpoint came about.
    """

    VERSION: ClassVar[int] = 3
    OLDER: ClassVar[Mapping[int, Convert]] = {1: _from_1, 2: _from_2}

    status: Status
    identity: AnyIdentity
    generator: GeneratorRecord
    judge: JudgeRecord
    versions: dict[str, str | None] = Field(default_factory=dict)
    platform: str | None = None
    created: Time | None = None
    finished: Time | None = None
    seconds: Float = 0.0
    scores: dict[str, ScoreRecord] | None = None
    training: TrainingSummary | None = None

    @property
    def score_identity(self) -> ScoreIdentity:
        """The identity of a score run. Raises `RunError` for a part of an attack."""
        if isinstance(self.identity, ScoreIdentity):
            return self.identity
        raise RunError("a part of a stress or relearning run, not a run of score")

    def check(self, purpose: Purpose, folder: Path) -> None:
        """See that this is a score run with all that a use of it needs.

        Raises:
            RunError: It is a part of an attack, or a field is missing; the message names it.
        """
        if not isinstance(self.identity, ScoreIdentity):
            raise RunError(
                f"{folder} is a part of a stress or relearning run; give the folder above it that "
                "holds stress.json or relearn.json"
            )
        for field in _NEEDED[purpose]:
            holder = self.identity if field.startswith("identity.") else self
            if getattr(holder, field.rpartition(".")[2]) is None:
                raise RunError(
                    f"{folder / 'run.json'}: {field}: missing, and a run is not {purpose} without "
                    "it; restore it, or make the run again"
                )
