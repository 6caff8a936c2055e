"""The shapes of `submission.json` and `attestation.json`; leaderboard/schema/ publishes both."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from unlearnbench.display import hidden_character

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
Time = Annotated[str, Field(max_length=40), AfterValidator(_aware)]
Share = Annotated[float, Field(ge=0, le=1)]
BoundedCount = Annotated[int, Field(ge=0, le=10_000_000)]
Plain = str | int | float | bool | None


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ScoreClaim(_Model):
    """A score as its run states it; all of it is computed again."""

    value: Share
    low: Share
    high: Share
    n: BoundedCount
    n_open: Literal[0]
    interval: Annotated[list[Share], Field(min_length=2, max_length=2)]


class Identity(_Model):
    """What was asked and judged: a run's identity without the engine's own settings.

    `prompts` is the sha256 of the token ids asked; rows of older versions lack it.
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
    """One run: of the checkpoint, or of the model before unlearning."""

    identity: Identity
    checkpoint: ShownName
    parameters: Annotated[int, Field(ge=1, le=10**13)] | None
    settings: dict[ShownName, Plain]
    versions: dict[ShownName, ShownLine | None]
    platform: ShownLine
    created: Time
    finished: Time
    training: dict[str, Any] | None
    scores: dict[ShownName, ScoreClaim]


class Submission(_Model):
    """A row that is claimed."""

    schema_version: Literal[1]
    name: ShownName
    method: ShownName
    submitter: ShownName
    link: Link
    created: Time
    run: RunClaim
    base: RunClaim


class Attestation(_Model):
    """What somebody else found out about a row; which files lie beside it follows from `kind`.

    `row` is the sha256 of the row's SHA256SUMS: of a row that changes nothing is attested any more.
    """

    schema_version: Literal[1]
    row: Sha256
    kind: Literal["re-judged", "re-run", "attacked"]
    by: ShownName
    link: Link
    created: Time
    run: RunClaim | None


PUBLISHED: dict[str, type[BaseModel]] = {"submission": Submission, "attestation": Attestation}
"""Name of the file -> its shape."""


def json_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a published shape."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **PUBLISHED[name].model_json_schema(),
    }
