"""The shapes of the claims `submission.json`, `base.json` and `attestation.json`.

leaderboard/schema/ publishes them. Names of benchmarks, engines, methods and judges come from fixed
lists of what ships, and nothing that a claim names is looked for anywhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    WithJsonSchema,
)

from unlearnbench.naming import nearest
from unlearnbench.plugins import BUILTIN
from unlearnbench.runs.schema import Record
from unlearnbench.runs.schema.base import Convert, UnknownVersionError
from unlearnbench.submissions.fields import (
    BoundedCount,
    ClaimedShare,
    ClaimedTime,
    Link,
    Note,
    Plain,
    Sha256,
    ShownLine,
    ShownName,
    Version,
)
from unlearnbench.submissions.untrusted import Refusal

OTHER = "other"
"""A method that does not ship; the row's name and link say which."""
MOST_SETTINGS = 40
"""Most settings of an engine, or parameters of a method."""


def _method(text: str) -> str:
    names = [*BUILTIN["methods"], OTHER]
    if text not in names:
        raise ValueError(f"no such method; {nearest(text, names)}")
    return text


MethodName = Annotated[str, Field(max_length=40), AfterValidator(_method)]
Settings = Annotated[dict[ShownName, Plain], Field(max_length=MOST_SETTINGS)]
Package = Literal["unlearnbench", "torch", "transformers", "tokenizers", "peft", "vllm"]

JsonObject = dict[str, Annotated[JsonValue, WithJsonSchema({})]]


class SentModel(BaseModel):
    """A part of a claim, parsed strictly."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ScoreClaim(SentModel):
    """A claimed score; all of it is computed again."""

    value: ClaimedShare
    low: ClaimedShare
    high: ClaimedShare
    n: BoundedCount
    n_open: Literal[0]
    interval: Annotated[list[ClaimedShare], Field(min_length=2, max_length=2)]


class ClaimedIdentity(SentModel):
    """A run's identity without the engine's own settings.

    `prompts` is the sha256 of the prompts' token ids; rows of older versions lack it. `indirect` is
    the fingerprint of the indirect questions and `sample_temperature` that of drawn answers; both
    stand in rows of profile `strict` alone.
    """

    benchmark: ShownName
    benchmark_version: ShownName
    benchmark_fingerprint: Sha256
    answers: Literal["short", "sentences"]
    profile: ShownName
    profile_fingerprint: Sha256
    plan: Sha256
    prompts: Sha256 | None = None
    seed: Annotated[int, Field(ge=0, le=2**63)]
    limit: None
    max_new_tokens: Annotated[int, Field(ge=1, le=4096)]
    engine: Literal["transformers", "vllm", "replay"]
    checkpoint: Sha256
    prompt_format: Literal["chat", "raw"]
    dtype: Literal["float32", "bfloat16", "float16"]
    judge: ShownName
    judge_identity: Sha256
    indirect: Sha256 | None = None
    sample_temperature: Annotated[float, Field(ge=0, le=10)] | None = None


class SurroundingsClaim(SentModel):
    """Digests of the weights and of all that surrounds them, each by itself."""

    weights: Sha256
    config: Sha256
    tokenizer: Sha256
    template: Sha256 | None
    special_tokens: Sha256
    stop_tokens: Sha256
    generation: Sha256


class ModelClaim(SentModel):
    """A model by name and the sha256 of its contents."""

    name: ShownName
    fingerprint: Sha256


class DataClaim(SentModel):
    """What a checkpoint was trained on."""

    benchmark: ShownName
    version: ShownName
    fingerprint: Sha256
    forget_rows: BoundedCount
    retain_rows: BoundedCount


class TrainingClaim(SentModel):
    """How the checkpoint was trained, as told."""

    method: MethodName
    parameters: Settings
    base: ModelClaim
    data: DataClaim
    steps: BoundedCount
    same_data: bool


class RunClaim(SentModel):
    """A claimed run, of a checkpoint or of a base model.

    `identity` and `scores` are derived again or compared; `surroundings` are compared with the base
    model's; all else is shown as told.
    """

    identity: ClaimedIdentity
    checkpoint: ShownName
    parameters: Annotated[int, Field(ge=1, le=10**13)] | None
    settings: Settings
    versions: dict[Package, Version | None]
    platform: ShownLine
    created: ClaimedTime
    finished: ClaimedTime
    training: TrainingClaim | None
    scores: Annotated[dict[ShownName, ScoreClaim], Field(max_length=40)]
    surroundings: SurroundingsClaim | None = None


class Claim(Record):
    """A claim, parsed strictly: unknown fields are refused.

    Its file holds exactly the fields that were set, `schema_version` among them.
    """

    model_config = ConfigDict(extra="forbid", strict=True)
    VERSION: ClassVar[int] = 1
    OLDER: ClassVar[Mapping[int, Convert]] = {}

    @classmethod
    def from_sent(cls, data: JsonValue, name: str) -> Self:
        """The claim in an untrusted file of any version.

        Raises `Refusal` with the first place that is wrong.
        """
        if not isinstance(data, dict):
            raise Refusal("schema", f"{name}, its top", "not an object")
        try:
            return cls.model_validate(cls.upgraded(data))
        except UnknownVersionError as error:
            raise Refusal("schema", f"{name}, schema_version", str(error)) from error
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"])) or "its top"
            raise Refusal("schema", f"{name}, {place[:80]}", first["msg"]) from error

    def to_disk(self) -> JsonObject:
        """The claim as a JSON object."""
        return self.model_dump(mode="json", exclude_unset=True)


def _base_by_name(data: JsonObject) -> JsonObject:
    """Version 1 brought a base run of its own; from version 2 on a row names an accepted one.

    Version 1 took any name for a method.
    """
    base = data.get("base")
    identity = base.get("identity") if isinstance(base, dict) else None
    named = identity.get("checkpoint") if isinstance(identity, dict) else None
    claim = {**_with_known_method(data), "schema_version": 2, "base": named}
    run = data.get("run")
    training = run.get("training") if isinstance(run, dict) else None
    if isinstance(run, dict) and isinstance(training, dict):
        claim["run"] = {**run, "training": _with_known_method(training)}
    return claim


def _with_known_method(data: JsonObject) -> JsonObject:
    """The object without the name of a method that does not ship."""
    method = data.get("method")
    if not isinstance(method, str) or method in BUILTIN["methods"]:
        return data
    return {**data, "method": OTHER}


class Submission(Claim):
    """A claimed row of the leaderboard.

    `base`: fingerprint of the model before unlearning. `note`: what the submitter wants to be known
    beside the row, such as settings that were not tuned.
    """

    VERSION: ClassVar[int] = 2
    OLDER: ClassVar[Mapping[int, Convert]] = {1: _base_by_name}

    schema_version: Literal[2]
    name: ShownName
    method: MethodName
    submitter: ShownName
    link: Link
    created: ClaimedTime
    run: RunClaim
    base: Sha256
    note: Note = ""


class BaseClaim(Claim):
    """A claimed run of a model before unlearning, for all rows of it.

    `source` is where anybody gets the checkpoint: a hub id with its revision, or a package.
    """

    schema_version: Literal[1]
    source: ShownName
    by: ShownName
    link: Link
    created: ClaimedTime
    run: RunClaim


class Attestation(Claim):
    """A claim about somebody else's row; `kind` decides which files accompany it.

    `row` is the sha256 of the row's SHA256SUMS, so that an attestation ends with its row's changes.
    """

    schema_version: Literal[1]
    row: Sha256
    kind: Literal["re-judged", "re-run", "attacked"]
    by: ShownName
    link: Link
    created: ClaimedTime
    run: RunClaim | None
