"""Derive verdicts from a stored reply as its judge did: same call, same parser, same canaries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from unlearnbench.judging.llm.definition import JudgeDefinition
from unlearnbench.judging.llm.prompt import Call, FactQuestion, Reading, call_on, read_reply
from unlearnbench.remote.errors import CanaryError, MalformedReplyError
from unlearnbench.remote.model_names import same_model
from unlearnbench.remote.prompts import Reply
from unlearnbench.types import StoredReply


class ReplyError(Exception):
    """A stored reply from which no verdict follows; the message says why."""


@dataclass(frozen=True, slots=True)
class Derived:
    """What follows from a stored reply: the model's verdicts by response."""

    reply: StoredReply
    fact: FactQuestion
    readings: Mapping[str, Reading]


def stored_reply(judge: str, fact: FactQuestion, call: Call, reply: Reply) -> StoredReply:
    """A call and its reply, to be kept."""
    return StoredReply(
        judge=judge,
        question=fact.question,
        answer=fact.answer,
        aliases=fact.aliases,
        responses=call.responses,
        canaries=call.canaries,
        reply=reply.text,
        model=reply.model,
        input_tokens=reply.input_tokens,
        output_tokens=reply.output_tokens,
    )


def derive(definition: JudgeDefinition, judge: str, reply: StoredReply) -> Derived:
    """The verdicts of a reply, from the call that the judge would make on its responses.

    `judge` is the identity under which this definition's replies are kept. Raises `ReplyError` if
    the judge makes no such call, another model replied, or the reply cannot be used.
    """
    if reply.judge != judge:
        raise ReplyError("a call to another judge, or to another version of it")
    fact = FactQuestion(reply.question, reply.answer, reply.aliases)
    texts = list(reply.responses.values())
    if not all(text.strip() for text in texts):
        raise ReplyError("an empty response in the call; the judge is not asked about those")
    if not 1 <= len(texts) <= definition.file.responses_per_call:
        raise ReplyError(f"{len(texts)} responses in a call, this judge takes fewer")
    call = call_on(definition, fact, texts)
    if dict(call.responses) != dict(reply.responses):
        raise ReplyError("the responses do not have the ids that the judge gives them")
    if dict(call.canaries) != dict(reply.canaries):
        raise ReplyError("the canaries are not those of the call")
    _check_model(definition, reply.model)
    try:
        readings = read_reply(call, reply.reply)
    except (MalformedReplyError, CanaryError) as error:
        raise ReplyError(str(error)) from error
    return Derived(reply, fact, {call.responses[name]: r for name, r in readings.items()})


def _check_model(definition: JudgeDefinition, model: str) -> None:
    requested = definition.file.model or ""
    if definition.file.provider != "local" and not same_model(requested, model):
        raise ReplyError(f"{model[:60]!a} replied, the judge asks {requested}")
