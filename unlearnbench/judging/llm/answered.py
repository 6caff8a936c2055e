"""What comes back from a call: a reply, a usable one with its verdicts, or an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from unlearnbench.judging.llm.http import scrubbed
from unlearnbench.judging.llm.prompt import Call, MalformedReplyError, Reading, read_reply


class CallError(Exception):
    """A call that cannot succeed when retried: the reply was refused or cut off."""


class RejectedError(CallError):
    """A call that failed for a reason all calls share: no access, an unsupported setting, another
    model behind the address.
    """


class LimitError(CallError):
    """A call that was not made because it might exceed the cost limit."""


class TransientError(Exception):
    """A call that may succeed later; `retry_after` is the provider's requested pause in seconds."""

    def __init__(self, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


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


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a call gave no verdicts."""

    error: str
