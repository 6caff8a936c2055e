"""What is put to a model, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from unlearnbench.types.surroundings import SurroundingDigests
from unlearnbench.types.terms import (
    Context,
    FinishReason,
    PromptFormat,
    Setting,
    Split,
    Stage,
    StandardContext,
)


@dataclass(frozen=True, slots=True, order=True)
class ProbeKey:
    """Identity of a probe; results are joined by it, never by position.

    `phrasing` is `original`, `<style>-<n>` or `indirect-<n>`; `sample` numbers repeated draws of
    one prompt.
    """

    fact: str
    phrasing: str
    context: Context
    sample: int = 0

    def __str__(self) -> str:
        """`fact/phrasing/context/sample`."""
        return f"{self.fact}/{self.phrasing}/{self.context}/{self.sample}"

    @property
    def style(self) -> str:
        """The paraphrase family, or `original`."""
        return self.phrasing.rpartition("-")[0] or self.phrasing

    @property
    def is_standard(self) -> bool:
        """Whether profile `standard` asks in this context; what it does not is a `Way`."""
        return self.context in get_args(StandardContext)


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Probe:
    """A fact as a prompt, in one phrasing and one context.

    Either `messages` (for a chat template) or `text` (a raw prompt) is given. `question` is the
    original question or the paraphrase that is asked; `split`, `tier` and `topic` are those of the
    fact; `examples` are the ids of the retain facts shown before the question.
    """

    key: ProbeKey
    split: Split
    topic: str
    tier: str | None
    question: str
    answer: str
    aliases: tuple[str, ...]
    examples: tuple[str, ...] = ()
    messages: tuple[Message, ...] = ()
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Sampling:
    """Decoding settings: at most `max_new_tokens` tokens, greedy at `temperature` 0.

    Above 0 tokens are sampled; a sample depends only on `seed`, the probe's key and the position.
    `sample_temperature`, where it is given, is that of probes whose key numbers a draw.
    """

    max_new_tokens: int = 50
    temperature: float = 0.0
    seed: int = 0
    sample_temperature: float | None = None

    def temperature_of(self, key: ProbeKey) -> float:
        """The temperature at which a probe is answered."""
        if key.sample and self.sample_temperature is not None:
            return self.sample_temperature
        return self.temperature


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's reply to a probe.

    `text` is all of it, without the marks that end or pad a turn; `thoughts` is the thinking block
    before it. `finish_reason` `thinking`: the reply was cut inside that block and holds no
    response. `token_ids` are the tokens as generated, thoughts included; empty where an engine does
    not know them.
    """

    key: ProbeKey
    text: str
    finish_reason: FinishReason
    n_tokens: int
    thoughts: str = ""
    token_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """A missing response or verdict. Its fact stays open; it never counts as forgotten."""

    key: ProbeKey
    stage: Stage
    error: str


@dataclass(frozen=True, slots=True)
class GeneratorInfo:
    """The engine and checkpoint of a run: recorded in it and compared on resume.

    `fingerprint` is the sha256 of the checkpoint's contents. `settings` holds everything else that
    decides the text (data type, batch size), so that a resumed run uses the same. `source` is
    `owner/name@commit` of a checkpoint from the model hub. `surroundings` are digests of what
    stands around the weights, for engines that know it; they are recorded, not compared on resume.
    """

    engine: str
    checkpoint: str
    fingerprint: str
    prompt_format: PromptFormat
    settings: Mapping[str, Setting] = field(default_factory=dict)
    parameters: int | None = None
    notes: tuple[str, ...] = ()
    source: str | None = None
    surroundings: SurroundingDigests | None = None
