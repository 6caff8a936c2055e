"""The nouns of the project: frozen data without behaviour beyond reading itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from unlearnbench.errors import OpenScoreError

Split = Literal["forget", "retain", "never"]
Context = Literal["plain", "icr"]
PromptFormat = Literal["chat", "raw"]
Verdict = Literal["correct", "incorrect"]
RelearnKind = Literal["pairs", "prose", "half"]
FinishReason = Literal["stop", "length", "thinking"]
Stage = Literal["generate", "judge"]
Setting = str | int | float | bool

ORIGINAL = "original"
"""Name of the phrasing that is the fact's own question."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact is stated: the title of an article and the claim in it."""

    title: str
    claim: str


@dataclass(frozen=True, slots=True)
class Paraphrase:
    """One evaluation wording of a question; `style` names the family it belongs to."""

    style: str
    text: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One question with its answer and every other way to ask it."""

    id: str
    split: Split
    topic: str
    question: str
    answer: str
    aliases: tuple[str, ...] = ()
    paraphrases: tuple[Paraphrase, ...] = ()
    train_paraphrases: tuple[str, ...] = ()
    tier: str | None = None
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """A forget fact in other forms: a sentence with ____ for the answer, three wrong answers for a
    choice of four, and a question from the answer back to the subject.
    """

    fact: str
    cloze: str
    distractors: tuple[str, str, str]
    reverse_question: str
    reverse_answer: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and its answer to be trained on."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class RelearnSet:
    """What a relearning arm trains on; which field is filled follows from `kind`.

    `half` holds the ids of the forget facts to train on; the others are scored.
    """

    name: str
    kind: RelearnKind
    pairs: tuple[Pair, ...] = ()
    texts: tuple[str, ...] = ()
    half: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class ProbeKey:
    """Identity of one question put to a model; everything is joined by it, never by position.

    `phrasing` is `original` or `<style>-<n>`; `sample` numbers repeated draws of one prompt.
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


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Probe:
    """A fact in one phrasing and one context, rendered.

    Exactly one of `messages` (for a chat template) and `text` (a raw prompt) is given.
    `question` is the wording that was asked; `split`, `tier` and `topic` are those of the fact;
    `examples` are the ids of the retain facts shown before the question.
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
    """How a model is decoded: `max_new_tokens` tokens at most, greedily at `temperature` 0.

    Above 0 tokens are drawn; a draw depends on `seed`, the probe's key and the place alone.
    """

    max_new_tokens: int = 50
    temperature: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model answered.

    `text` is all it wrote, without the marks that end or pad a turn; `thoughts` is what it wrote
    in its thinking block before. `finish_reason` `thinking`: it was cut inside that block, so that
    no answer was given. `token_ids` are the tokens as generated, thoughts included; empty where an
    engine does not know them.
    """

    key: ProbeKey
    text: str
    finish_reason: FinishReason
    n_tokens: int
    thoughts: str = ""
    token_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer or no verdict was had. It leaves its fact open; it never counts as forgetting."""

    key: ProbeKey
    stage: Stage
    error: str


@dataclass(frozen=True, slots=True)
class JudgeItem:
    """One answer to be judged. `key` is the caller's; a judge hands it back untouched.

    `question` is the wording that was asked, `fact_question` the fact's own, which all wordings of
    a fact share (empty: the same as `question`). `response` is what is to be judged; `readings`
    are all texts of the completion that the protocol has judged in turn (empty: `response` alone).
    """

    key: ProbeKey
    question: str
    answer: str
    aliases: tuple[str, ...]
    response: str
    fact_question: str = ""
    readings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict that was really given. `raw` is the judge's own words or its evidence.

    `judge` is the judge's identity. `response_sha256` binds the verdict to the answer it was given
    on (`scoring.answers.digest`); the protocol fills it in.
    """

    key: ProbeKey
    verdict: Verdict
    judge: str
    raw: str
    response_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What judging would take: calls, tokens (estimated), dollars at list price (None: unknown).

    `cached` counts different answers whose verdict is known already.
    """

    calls: int
    verdicts: int
    cached: int
    input_tokens: int
    output_tokens: int
    dollars: float | None


@dataclass(slots=True)
class Usage:
    """Calls answered, tokens counted by the provider, and dollars by the list price, if known.

    `models` counts the replies by the name under which a model gave them.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    dollars: float | None = 0.0
    models: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GeneratorInfo:
    """What answers: recorded in the run and compared on resume.

    `fingerprint` is the sha256 of the checkpoint's contents. `settings` holds whatever else
    decides the text (data type, rows a batch), so that a resumed run uses the same. `source` is
    `owner/name@commit` of a checkpoint from the model hub.
    """

    engine: str
    checkpoint: str
    fingerprint: str
    prompt_format: PromptFormat
    settings: Mapping[str, Setting] = field(default_factory=dict)
    parameters: int | None = None
    notes: tuple[str, ...] = ()
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % confidence interval of a proportion, both ends in [0, 1]."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Score:
    """A proportion that is only a number once nothing is open.

    `low` counts every open unit as not leaked, `high` as leaked; `n` units in all, of which
    `n_open` are open. `interval` covers sampling error at both ends.
    """

    name: str
    low: float
    high: float
    n: int
    n_open: int
    interval: Interval

    @property
    def value(self) -> float:
        """The score. Raises `OpenScoreError` while any unit is open."""
        if self.n_open:
            raise OpenScoreError(
                f"{self.name} lies in [{self.low:.3f}, {self.high:.3f}]: {self.n_open} of "
                f"{self.n} are open; resume the run to close them"
            )
        return self.low
