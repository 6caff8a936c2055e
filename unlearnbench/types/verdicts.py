"""What a judge is given, what it says, and what that costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from unlearnbench.types.probes import ProbeKey
from unlearnbench.types.terms import Verdict


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
class StoredReply:
    """A call to an LLM judge and its reply: all that its verdicts follow from.

    `judge` is the identity of the model that was asked, without the rules behind it. `responses`
    are texts by their ids in the call, `canaries` the expected verdicts by theirs. `reply` is the
    provider's text, `model` the model that it names; tokens are the provider's count.
    """

    judge: str
    question: str
    answer: str
    aliases: tuple[str, ...]
    responses: Mapping[str, str]
    canaries: Mapping[str, Verdict]
    reply: str
    model: str
    input_tokens: int
    output_tokens: int


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
