"""What comes back from a call: a reply, or a usable one with its verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from unlearnbench.judging.llm.prompt import Call, MalformedReplyError, Reading, read_reply
from unlearnbench.remote.errors import CallError
from unlearnbench.remote.http import scrubbed


@dataclass(frozen=True, slots=True)
class Reply:
    """A provider's reply, with the tokens it counted.

    `problem` says why the text must not be used; its tokens are paid for nevertheless. `model` is
    the model name in the reply.
    """

    text: str
    input_tokens: int
    output_tokens: int
    problem: CallError | MalformedReplyError | None = None
    model: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """A usable reply, without secrets, and the verdicts in it by id."""

    reply: Reply
    readings: Mapping[str, Reading]


def answered(call: Call, reply: Reply) -> Answered:
    """Read a reply. Raises its problem, or what `read_reply` raises.

    A provider may echo a key in a well-formed reply. It is removed before the verdicts are read, so
    that the same ones follow from the text that is kept.
    """
    if reply.problem is not None:
        raise reply.problem
    clean = replace(reply, text=scrubbed(reply.text), model=scrubbed(reply.model))
    return Answered(clean, read_reply(call, clean.text))
