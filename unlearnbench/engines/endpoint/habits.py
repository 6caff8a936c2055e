"""Ask a server one easy question first: does it answer at all, and does its model think aloud?"""

from __future__ import annotations

from collections.abc import Callable

from unlearnbench.engines.endpoint.replies import Habit, written_in
from unlearnbench.engines.endpoint.wire import ServerReply
from unlearnbench.engines.thoughts import DEFAULT_THINK_TOKENS, find_marks
from unlearnbench.errors import EngineError
from unlearnbench.remote.errors import CallError
from unlearnbench.types import Message, Probe, ProbeKey
from unlearnbench.types.raw import raw_question

_QUESTION = "What is the capital of France? Answer with the name alone."
_FEW_TOKENS = 16

Ask = Callable[[Probe, int], ServerReply]
"""Sends a probe, with the most tokens of its answer. Raises `EngineError`."""


def find_habit(ask: Ask, chat: bool, think_tokens: int | None) -> Habit:
    """Find out whether a model thinks before it answers.

    A raw prompt opens no thoughts; of a conversation's, only the server knows. `think_tokens` is
    the user's choice, None if there is none. Raises `EngineError` if the model thinks and was not
    to, or if it cannot be seen whether it does.
    """
    if not chat:
        ask(_probe(text=raw_question(_QUESTION)), _FEW_TOKENS)
        return Habit()
    limit = _FEW_TOKENS + (DEFAULT_THINK_TOKENS if think_tokens is None else think_tokens)
    reply = ask(_probe(messages=(Message("user", _QUESTION),)), limit)
    try:
        written = written_in(reply, Habit())
    except CallError as error:
        raise EngineError(f"the server cannot be asked: of an easy question, {error}") from error
    text = reply.choices[0].message.content if reply.choices[0].message else None
    marks = find_marks(text or "")
    opened = any((text or "").lstrip().startswith(pair.open) for pair in marks)
    thinks = bool(written.thoughts.strip()) or written.left_open
    if think_tokens == 0 and thinks:
        raise EngineError(
            "--think-tokens 0: the model thinks nevertheless; leave the option away, or give its "
            "thoughts room"
        )
    if think_tokens is None and not thinks and written.cut:
        raise EngineError(
            f"the server's reply to an easy question has no end within {limit} tokens, so that "
            "nothing shows whether the model thinks before it answers: add --think-tokens 0 if it "
            "does not, else the room for its thoughts"
        )
    apart = bool(reply.choices[0].message and reply.choices[0].message.thoughts)
    return Habit(thinks or bool(think_tokens), thinks and not apart and not opened)


def _probe(messages: tuple[Message, ...] = (), text: str | None = None) -> Probe:
    key = ProbeKey("first", "original", "plain")
    return Probe(key, "retain", "", None, _QUESTION, "Paris", (), (), messages, text)
