"""A run's identity: everything that decides its answers and verdicts.

Two runs with one identity are the same run. An identity is compared and fingerprinted field by
field, so it goes onto disk with exactly the fields it was made with, and no others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import ConfigDict, Field, model_serializer

from unlearnbench.runs.schema.base import Bool, Float, Int, Part
from unlearnbench.types import PromptFormat, Setting


class Identity(Part):
    """An identity keeps what it does not know: engines and attacks add settings of their own."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Setting | None] = Field(init=False)

    # Not by pydantic's own serializer: within a union it turns false into 0, another identity.
    @model_serializer
    def _as_given(self) -> dict[str, object]:
        return {name: value for name, value in self if name in self.model_fields_set}

    def differences(self, other: Identity) -> Iterator[str]:
        """Name each field in which a requested identity, `other`, is not this stored one."""
        yield from differences(self.model_dump(), other.model_dump())


class RunIdentity(Identity):
    """Any run's, those below a stress or relearning run included.

    `checkpoint`, `plan`, `judge_identity` are fingerprints. `prompts` is the sha256 of the token
    ids asked; older runs lack it. `temperature` and `sampling_seed` stand in attacks' runs.
    """

    checkpoint: str
    plan: str
    judge: str
    judge_identity: str
    max_new_tokens: Int = Field(ge=1)
    prompts: str | None = None
    temperature: Float | None = None
    sampling_seed: Int | None = None


class ScoreIdentity(RunIdentity):
    """A score run's. `answers`: the form of the gold answers; the oldest runs lack it.

    `tokenizer`, the fingerprint of another checkpoint whose tokenizer was used, stands only in runs
    that were asked for with one. `system_prompt`, `chat_template` and `gen` (decoding settings)
    stand only in a run whose user left the protocol by them; `private` only in one of a benchmark
    that says so. `indirect`, the fingerprint of the indirect questions, and `sample_temperature`,
    that of drawn answers, stand only in runs of profile `strict`.
    """

    benchmark: str
    benchmark_version: str
    benchmark_fingerprint: str
    answers: Literal["short", "sentences"] | None = None
    profile: str
    profile_fingerprint: str
    seed: Int
    limit: Int | None
    engine: str
    prompt_format: PromptFormat
    dtype: str | None = None
    tokenizer: str | None = None
    system_prompt: str | None = None
    chat_template: bool | None = None
    gen: dict[str, Int | Float] | None = None
    private: Bool | None = None
    indirect: str | None = None
    sample_temperature: Float | None = None


def identity_from(fields: Mapping[str, object]) -> RunIdentity:
    """The identity that some fields make: a score run's if it names a benchmark.

    Raises `ValidationError` if one is missing or of another type.
    """
    kind = ScoreIdentity if "benchmark" in fields else RunIdentity
    return kind.model_validate(dict(fields))


class AttackIdentity(Identity):
    """A stress or relearning run's. `base` is the fingerprint of the model before unlearning."""

    checkpoint: str
    base: str | None
    benchmark: str
    benchmark_version: str
    benchmark_fingerprint: str
    profile: str
    limit: Int | None
    judge: str
    judge_identity: str


class StressIdentity(AttackIdentity):
    """A stress run's. The oldest runs do not say their `dtype`.

    `engine` stands only where another than `transformers` asked; its settings stand beside it.
    """

    seed: Int
    dtype: str | None = None
    engine: str | None = None


class RelearnIdentity(AttackIdentity):
    """A relearning run's."""

    profile_fingerprint: str
    lora: Bool


def differences(stored: Mapping[str, object], requested: Mapping[str, object]) -> Iterator[str]:
    """Name each field in which two identities differ; what is missing counts as None."""
    for field in dict.fromkeys((*stored, *requested)):
        old, new = stored.get(field), requested.get(field)
        if old != new:
            yield f"{field}: the folder has {_short(old)}, asked for {_short(new)}"


def _short(value: object) -> str:
    text = str(value)
    return text[:12] + "…" if len(text) == 64 else text
