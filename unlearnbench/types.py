"""The data types of the project: frozen, and without behaviour beyond derived values."""

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
    """A paraphrase of a question for evaluation, and its style."""

    style: str
    text: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A question with its gold answer, accepted aliases and paraphrases."""

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
    """A question and its answer as a training example."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class RelearnSet:
    """The training data of a relearning arm; `kind` decides which field is filled.

    `half` holds the ids of the forget facts to train on; the other facts are scored.
    """

    name: str
    kind: RelearnKind
    pairs: tuple[Pair, ...] = ()
    texts: tuple[str, ...] = ()
    half: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class ProbeKey:
    """Identity of a probe; results are joined by it, never by position.

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
    """

    max_new_tokens: int = 50
    temperature: float = 0.0
    seed: int = 0


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
class JudgeItem:
    """A response to be judged. A judge returns `key` unchanged.

    `question` is the question as it was asked, `fact_question` the fact's original question (empty:
    the same as `question`), `answer` the gold answer. `response` is judged; `readings` are all
    texts of the completion that the protocol has judged in turn (empty: `response` alone).
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
    """A verdict. `raw` is the judge's own words or its evidence.

    `judge` is the judge's identity. `response_sha256` binds the verdict to the response it was
    given on (`scoring.answers.digest`); the protocol fills it in.
    """

    key: ProbeKey
    verdict: Verdict
    judge: str
    raw: str
    response_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The cost of judging: calls, estimated tokens, dollars at list price (None: unknown).

    `cached` counts different responses whose verdict is known already.
    """

    calls: int
    verdicts: int
    cached: int
    input_tokens: int
    output_tokens: int
    dollars: float | None


@dataclass(slots=True)
class Usage:
    """Answered calls, tokens counted by the provider, and dollars at list price, if known.

    `models` counts the replies by the model name in them.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    dollars: float | None = 0.0
    models: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GeneratorInfo:
    """The engine and checkpoint of a run: recorded in it and compared on resume.

    `fingerprint` is the sha256 of the checkpoint's contents. `settings` holds everything else that
    decides the text (data type, batch size), so that a resumed run uses the same. `source` is
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
    """A proportion; it has a single value only when nothing is open.

    `low` counts every open unit as not leaked, `high` as leaked; of `n` units `n_open` are open.
    `interval` is the 95 % interval from the lower end of `low` to the upper end of `high`.
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
