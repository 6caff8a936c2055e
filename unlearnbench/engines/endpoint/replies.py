"""From a server's reply to an answer: what could have lost the answer is an error instead."""

from __future__ import annotations

from dataclasses import dataclass

from unlearnbench.engines.endpoint.wire import ReplyMessage, ServedChoice, ServerReply, TokenUsage
from unlearnbench.engines.thoughts import find_marks, split_thoughts
from unlearnbench.remote.errors import CallError
from unlearnbench.remote.http import scrubbed
from unlearnbench.types import Completion, FinishReason, Probe

_ENDED = {"stop", "eos", "eos_token"}
"""What servers call an answer that the model ended itself."""
_END_TOKENS = 1
"""Tokens that a server may count for an answer without any: the one that ends it."""


@dataclass(frozen=True, slots=True)
class Habit:
    """Whether a model thinks before it answers, and whether its prompt opens the thoughts."""

    thinks: bool = False
    begun: bool = False


@dataclass(frozen=True, slots=True)
class Room:
    """Tokens that an answer may take, and thoughts before it; one limit covers both."""

    answer: int
    thoughts: int = 0

    @property
    def most(self) -> int:
        """The limit that the server is given."""
        return self.answer + self.thoughts


@dataclass(frozen=True, slots=True)
class Written:
    """What a model wrote: thoughts, then the answer. `left_open`: the thoughts have no end."""

    thoughts: str
    answer: str
    left_open: bool
    cut: bool
    n_tokens: int
    n_thoughts: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is no answer behind the thoughts, if any."""
        return not self.answer.strip()


def completion_of(probe: Probe, reply: ServerReply, room: Room, habit: Habit) -> Completion:
    """The answer in a reply. Raises `CallError` for a reply that gives none, or cannot be trusted
    to give the whole one.
    """
    _check_prompt(probe, reply.usage)
    written = written_in(reply, habit)
    _check_length(written, room)
    if written.is_empty and not written.thoughts.strip() and not written.left_open:
        _check_empty(written)
    return Completion(
        probe.key, written.answer, _reason(written, room), written.n_tokens, written.thoughts
    )


def written_in(reply: ServerReply, habit: Habit) -> Written:
    """Thoughts and answer of a reply. Raises `CallError` if the model's own words are not in it."""
    if len(reply.choices) != 1:
        raise CallError(f"the server sent {len(reply.choices)} answers, not one")
    choice = reply.choices[0]
    cut = _is_cut(choice)
    text, apart = _texts(choice)
    if scrubbed(text) != text or scrubbed(apart) != apart:
        raise CallError("the reply repeats a secret of this machine; it is not kept")
    usage = reply.usage
    if usage is None or usage.completion_tokens is None:
        raise CallError(
            "the server does not say how many tokens it wrote (usage.completion_tokens), so that "
            "nothing shows whether the answer is whole"
        )
    details = usage.completion_tokens_details
    n_thoughts = details.reasoning_tokens if details else None
    if apart.strip():
        thoughts, answer, left_open = apart, text, not text.strip()
    else:
        marks = find_marks(text)
        begun = habit.begun or (habit.thinks and cut and not marks)
        thoughts, answer, left_open = split_thoughts(text, marks, begun)
    return Written(thoughts, answer, left_open, cut, usage.completion_tokens, n_thoughts)


def _is_cut(choice: ServedChoice) -> bool:
    """Whether an answer was cut at the limit. Raises `CallError` if it ended in another way."""
    if choice.finish_reason == "length":
        return True
    if choice.finish_reason in _ENDED:
        return False
    if choice.finish_reason == "content_filter":
        raise CallError("the server's content filter withheld the answer")
    raise CallError(scrubbed(f"the answer ended as {choice.finish_reason!r}")[:100])


def _texts(choice: ServedChoice) -> tuple[str, str]:
    """The text of an answer, and the thoughts that the server set apart."""
    message = choice.message
    if message is None:
        if choice.text is None:
            raise CallError("the reply has no text")
        return choice.text, ""
    _check_message(message)
    return message.content or "", message.thoughts


def _check_message(message: ReplyMessage) -> None:
    if message.refusal:
        raise CallError("the server refused: its reply is a refusal, not the model's answer")
    if message.tool_calls or message.function_call is not None:
        raise CallError("the reply calls a tool; none was offered")
    if message.content is None and not message.thoughts:
        raise CallError("the reply has no content")


def _check_prompt(probe: Probe, usage: TokenUsage | None) -> None:
    """Raise `CallError` if the server counts fewer tokens than the prompt can have."""
    tokens = usage.prompt_tokens if usage else None
    shown = " ".join([turn.content for turn in probe.messages] or [probe.text or ""])
    words = len(shown.split())
    if tokens and 2 * tokens < words:
        raise CallError(f"the server read only {tokens} tokens of a prompt of {words} words")


def _check_length(written: Written, room: Room) -> None:
    """Raise `CallError` for an answer that is longer than asked, or was cut before its limit."""
    n = written.n_tokens
    if n > room.most:
        raise CallError(f"the server wrote {n} tokens where {room.most} were the limit")
    if written.cut and n < room.most:
        raise CallError(
            f"cut after {n} tokens by a limit of the server's own; {room.most} were asked"
        )
    if n > room.answer and not written.thoughts and not written.left_open:
        raise CallError(f"{n} tokens without any thoughts; an answer may take {room.answer}")


def _check_empty(written: Written) -> None:
    """Raise `CallError` for an empty answer if the model did write something."""
    if written.answer:  # blanks are an answer, if a poor one
        return
    if written.cut or written.n_tokens > _END_TOKENS:
        raise CallError(f"the server wrote {written.n_tokens} tokens without any text")


def _reason(written: Written, room: Room) -> FinishReason:
    """Why the answer ended; `thinking` if it, or a part of it, may have been lost to thoughts."""
    if written.left_open or (written.thoughts and written.is_empty):
        return "thinking"
    if not written.cut:
        return "stop"
    if not written.thoughts:
        return "length"
    n_thoughts = written.n_thoughts
    whole = n_thoughts is not None and written.n_tokens - n_thoughts >= room.answer
    return "length" if whole else "thinking"
