"""Calls to a provider of LLM judges: paid for, counted and read."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Protocol

from unlearnbench.judging.llm.answered import Answered, Reply, answered
from unlearnbench.judging.llm.definition import JudgeFile, Price
from unlearnbench.judging.llm.prompt import Call, MalformedReplyError
from unlearnbench.remote.errors import CallError, Failed, LimitError, TransientError
from unlearnbench.remote.http import scrubbed
from unlearnbench.remote.sending import Pacing, Sender
from unlearnbench.types import Usage

SAME_REPLIES = 3
"""After this many equal malformed replies a call is not retried."""


class Provider(Protocol):
    """Sends one call to a model. Raises `TransientError` or `CallError`."""

    def ask(self, call: Call) -> Reply:
        """The model's reply."""
        ...


class Calls:
    """Sends many calls to one provider. Its counters are thread-safe and add up over runs."""

    def __init__(self, file: JudgeFile, provider: Provider, max_dollars: float | None) -> None:
        self.file = file
        self.provider = provider
        self.max_dollars = max_dollars
        self.usage = Usage(dollars=0.0 if file.price else None)
        self._lock = threading.Lock()
        self._reserved = 0.0
        self._malformed: dict[tuple[str, str], int] = {}
        pacing = Pacing(file.concurrency, file.requests_per_minute, file.attempts, file.backoff_s)
        self._sender = Sender(
            pacing, self._send, lambda call: call.user, (TransientError, MalformedReplyError)
        )

    def run(self, calls: Sequence[Call]) -> Iterator[tuple[Call, Answered | Failed]]:
        """Yield each call once, with its verdicts or the reason for none, as replies arrive."""
        return self._sender.run(calls)

    def _send(self, call: Call) -> Answered:
        reserved = self._reserve(call)
        try:
            reply = self.provider.ask(call)
            self._count(reply)
        finally:
            with self._lock:
                self._reserved -= reserved
        return self._read(call, reply)

    def _read(self, call: Call, reply: Reply) -> Answered:
        """The verdicts. A malformed reply that repeats word for word is final."""
        try:
            return answered(call, reply)
        except MalformedReplyError as error:
            if reply.problem is not None:
                raise
            with self._lock:
                repeats = self._malformed.setdefault((call.user, reply.text), 0) + 1
                self._malformed[call.user, reply.text] = repeats
            if repeats >= SAME_REPLIES:
                message = f"{error} (the same reply {repeats} times)"
                raise CallError(message) from error
            raise

    def _reserve(self, call: Call) -> float:
        """Reserve the call's estimated price. Raises `LimitError` if it exceeds the limit."""
        if self.max_dollars is None:
            return 0.0
        if self.file.price is None:
            raise LimitError("--max-cost: the price of this judge's model is not known")
        likely = dollars(self.file.price, *estimated_tokens(call))
        with self._lock:
            spent = (self.usage.dollars or 0.0) + self._reserved
            if spent + likely > self.max_dollars:
                raise LimitError(
                    f"--max-cost {self.max_dollars} would be passed: {spent:.4f} spent or under way"
                )
            self._reserved += likely
        return likely

    def _count(self, reply: Reply) -> None:
        with self._lock:
            count(self.usage, reply, self.file.price)


def count(usage: Usage, reply: Reply, price: Price | None) -> None:
    """Add a reply's calls, tokens and dollars to `usage`."""
    usage.calls += 1
    usage.input_tokens += reply.input_tokens
    usage.output_tokens += reply.output_tokens
    if reply.model:
        model = scrubbed(reply.model)
        usage.models[model] = usage.models.get(model, 0) + 1
    if price is not None and usage.dollars is not None:
        usage.dollars += dollars(price, reply.input_tokens, reply.output_tokens)


def limit_text(file: JudgeFile) -> str:
    """The limit at which replies are cut, for messages."""
    limit = file.max_output_tokens
    return "the model's own limit" if limit is None else f"{limit} tokens"


def dollars(price: Price, input_tokens: int, output_tokens: int) -> float:
    """US dollars at list price."""
    return (input_tokens * price.input + output_tokens * price.output) / 1e6


def estimated_tokens(call: Call) -> tuple[int, int]:
    """(input, output) tokens of a call before it is made: four characters a token, and forty
    tokens for each verdict with its evidence. An estimate; the provider counts.
    """
    items = len(call.responses) + len(call.canaries)
    return (len(call.system) + len(call.user)) // 4, 40 * items + 10
