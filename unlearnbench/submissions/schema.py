"""The shapes of `submission.json` and `attestation.json`; leaderboard/schema/ publishes both."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
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

from unlearnbench.display import hidden_character
from unlearnbench.runs.schema import Record
from unlearnbench.runs.schema.base import Convert, UnknownVersionError
from unlearnbench.submissions.untrusted import Refusal

_LINK = re.compile(r"https://[A-Za-z0-9.-]+(:\d+)?(/[A-Za-z0-9._~!$&()*+,;=:@%/?#-]*)?")


def _plain(text: str) -> str:
    hidden = hidden_character(text)
    if hidden is not None:
        raise ValueError(f"holds the invisible character {hidden}")
    if text != text.strip():
        raise ValueError("begins or ends with a space")
    return text


def _https(text: str) -> str:
    if text and not _LINK.fullmatch(text):
        raise ValueError("not an https:// address")
    return text


def _aware(text: str) -> str:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time without its zone")
    if not 2 <= time.year <= 9998:  # so that a day more or less is a time too
        raise ValueError("a time that cannot be meant")
    return text


ShownLine = Annotated[str, Field(max_length=120), AfterValidator(_plain)]
ShownName = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_plain)]
Link = Annotated[str, Field(max_length=300), AfterValidator(_https)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
ClaimedTime = Annotated[str, Field(max_length=40), AfterValidator(_aware)]
ClaimedShare = Annotated[float, Field(ge=0, le=1)]
BoundedCount = Annotated[int, Field(ge=0, le=10_000_000)]
Plain = str | int | float | bool | None

JsonObject = dict[str, Annotated[JsonValue, WithJsonSchema({})]]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ScoreClaim(_Model):
    """A claimed score; all of it is computed again."""

    value: ClaimedShare
    low: ClaimedShare
    high: ClaimedShare
    n: BoundedCount
    n_open: Literal[0]
    interval: Annotated[list[ClaimedShare], Field(min_length=2, max_length=2)]


class ClaimedIdentity(_Model):
    """A run's identity without the engine's own settings.

    `prompts` is the sha256 of the prompts' token ids; rows of older versions lack it.
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
    engine: ShownName
    checkpoint: Sha256
    prompt_format: Literal["chat", "raw"]
    dtype: ShownName
    judge: ShownName
    judge_identity: Sha256


class RunClaim(_Model):
    """A claimed run, of the checkpoint or of the model before unlearning."""

    identity: ClaimedIdentity
    checkpoint: ShownName
    parameters: Annotated[int, Field(ge=1, le=10**13)] | None
    settings: dict[ShownName, Plain]
    versions: dict[ShownName, ShownLine | None]
    platform: ShownLine
    created: ClaimedTime
    finished: ClaimedTime
    training: JsonObject | None
    scores: dict[ShownName, ScoreClaim]


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


class Submission(Claim):
    """A claimed row of the leaderboard."""

    schema_version: Literal[1]
    name: ShownName
    method: ShownName
    submitter: ShownName
    link: Link
    created: ClaimedTime
    run: RunClaim
    base: RunClaim


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


PUBLISHED: dict[str, type[Claim]] = {"submission": Submission, "attestation": Attestation}
"""Name of the file -> its shape."""


_PUBLIC_NAMES = {"ClaimedIdentity": "Identity"}
"""Names in the published schemas of classes that are named differently here."""


def json_schema(name: str) -> JsonObject:
    """The JSON Schema of a published shape."""
    text = json.dumps(PUBLISHED[name].model_json_schema())
    for internal, public in _PUBLIC_NAMES.items():
        text = text.replace(f'"{internal}"', f'"{public}"').replace(f'/{internal}"', f'/{public}"')
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **json.loads(text)}
