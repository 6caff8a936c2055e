"""Calls that are paid for: limited in cost, counted, retried and read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from unlearnbench.remote.errors import (
    CallError,
    Failed,
    LimitError,
    MalformedReplyError,
    TransientError,
)
from unlearnbench.remote.http import scrubbed
from unlearnbench.remote.prompts import Prompt, Reply
from unlearnbench.remote.sending import Pacing, Sender
from unlearnbench.remote.settings import ModelSettings, Price
from unlearnbench.types import Usage

SAME_REPLIES = 3
"""After this many equal malformed replies a call is not retried."""

C = TypeVar("C", bound=Prompt)
R = TypeVar("R")


R_co = TypeVar("R_co", covariant=True)


class Transport(Protocol[C, R_co]):
    """Carries calls to a model and results back; see `PaidCalls` and `LocalModel`."""

    usage: Usage

    def run(self, calls: Sequence[C]) -> Iterator[tuple[C, R_co | Failed]]:
        """Yield each call once, in any order."""
        ...


class Provider(Protocol):
    """Sends one prompt to a model. Raises `TransientError` or `CallError`."""

    def ask(self, prompt: Prompt) -> Reply:
        """The model's reply."""
        ...


class CostLimit:
    """Dollars that may be spent, by one model or by several. Thread-safe."""

    def __init__(self, most: float) -> None:
        self.most = most
        self._lock = threading.Lock()
        self._spent = self._reserved = 0.0

    def reserve(self, likely: float) -> None:
        """Reserve a call's estimated price. Raises `LimitError` if it would pass the limit."""
        with self._lock:
            spent = self._spent + self._reserved
            if not spent + likely <= self.most:  # nor is anything spent if it is no number
                raise LimitError(
                    f"--max-cost {self.most} would be passed: {spent:.4f} spent or under way"
                )
            self._reserved += likely

    def settle(self, reserved: float, spent: float) -> None:
        """Replace what was reserved for a call by what it cost."""
        with self._lock:
            self._reserved -= reserved
            self._spent += spent


class PaidCalls(Generic[C, R]):
    """Sends many calls to one provider. Its counters are thread-safe and add up over runs.

    `read` makes a result of a call and its reply. It raises the reply's problem,
    `MalformedReplyError` where another attempt may help, or another error where none will.
    """

    def __init__(
        self,
        file: ModelSettings,
        provider: Provider,
        budget: CostLimit | None,
        read: Callable[[C, Reply], R],
    ) -> None:
        self.file = file
        self.provider = provider
        self.budget = budget
        self.usage = Usage(dollars=0.0 if file.price else None)
        self._read_reply = read
        self._lock = threading.Lock()
        self._malformed: dict[tuple[str, str], int] = {}
        pacing = Pacing(file.concurrency, file.requests_per_minute, file.attempts, file.backoff_s)
        self._sender: Sender[C, R] = Sender(
            pacing, self._send, lambda call: call.user, (TransientError, MalformedReplyError)
        )

    def run(self, calls: Sequence[C]) -> Iterator[tuple[C, R | Failed]]:
        """Yield each call once, with its result or the reason for none, as replies arrive."""
        return self._sender.run(calls)

    def _send(self, call: C) -> R:
        reserved = self._reserve(call)
        spent = 0.0
        try:
            reply = self.provider.ask(call)
            spent = self._count(reply)
        finally:
            if self.budget is not None:
                self.budget.settle(reserved, spent)
        return self._read(call, reply)

    def _read(self, call: C, reply: Reply) -> R:
        """The result. A malformed reply that repeats word for word is final."""
        try:
            return self._read_reply(call, reply)
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

    def _reserve(self, call: C) -> float:
        """Reserve the call's estimated price. Raises `LimitError` if it exceeds the limit."""
        if self.budget is None:
            return 0.0
        if self.file.price is None:
            raise LimitError(unknown_price(self.file))
        likely = dollars(self.file.price, *estimated_tokens(call))
        self.budget.reserve(likely)
        return likely

    def _count(self, reply: Reply) -> float:
        """Count a reply and return its price."""
        price = self.file.price
        with self._lock:
            count(self.usage, reply, price)
        return dollars(price, reply.input_tokens, reply.output_tokens) if price else 0.0


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


def unknown_price(file: ModelSettings) -> str:
    """Why no cost limit can be kept, for messages."""
    return f"--max-cost: the price of this {file.role.noun}'s model is not known"


def limit_text(file: ModelSettings) -> str:
    """The limit at which replies are cut, for messages."""
    limit = file.max_output_tokens
    return "the model's own limit" if limit is None else f"{limit} tokens"


def dollars(price: Price, input_tokens: int, output_tokens: int) -> float:
    """US dollars at list price."""
    return (input_tokens * price.input + output_tokens * price.output) / 1e6


def estimated_tokens(prompt: Prompt) -> tuple[int, int]:
    """(input, output) tokens of a call before it is made, at four characters a token.

    An estimate; the provider counts.
    """
    return (len(prompt.system) + len(prompt.user)) // 4, prompt.output_tokens
