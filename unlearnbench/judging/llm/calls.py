"""Calls to a provider: bounded, paced, retried, paid for, and stopped in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any, Protocol

from unlearnbench.environment import extra
from unlearnbench.judging.llm.answered import (
    Answered,
    CallError,
    Failed,
    LimitError,
    RejectedError,
    Reply,
    TransientError,
    answered,
)
from unlearnbench.judging.llm.definition import JudgeFile, Price
from unlearnbench.judging.llm.http import scrubbed
from unlearnbench.judging.llm.patience import GivenUpError, Patience
from unlearnbench.judging.llm.prompt import Call, MalformedReplyError
from unlearnbench.types import Usage

LONGEST_WAIT_S = 60.0
"""A call whose provider asks for a longer pause than this fails."""
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
        self.patience = Patience(file.concurrency)
        self._lock = threading.Lock()
        self._next_start = 0.0
        self._reserved = 0.0
        self._malformed: dict[tuple[str, str], int] = {}

    def run(self, calls: Sequence[Call]) -> Iterator[tuple[Call, Answered | Failed]]:
        """Yield each call once, with its verdicts or the reason for none, as replies arrive."""
        pool = ThreadPoolExecutor(self.file.concurrency, thread_name_prefix="judge")
        try:
            futures = {pool.submit(self._result_of, call): call for call in calls}
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _result_of(self, call: Call) -> Answered | Failed:
        try:
            return self._retried(call)
        except GivenUpError as error:
            return Failed(str(error))
        except (TransientError, MalformedReplyError) as error:
            if isinstance(error, TransientError):
                self.patience.exhausted(str(error))
            return Failed(scrubbed(f"{error} (after {self.file.attempts} attempts)"))
        except Exception as error:  # noqa: BLE001 - one call's fault must not end the others
            return Failed(scrubbed(f"{type(error).__name__}: {error}"))

    def _retried(self, call: Call) -> Answered:
        tenacity = extra("tenacity", "gemini")
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.file.attempts),
            wait=self._wait(tenacity),
            retry=tenacity.retry_if_exception_type((TransientError, MalformedReplyError)),
            reraise=True,
        )
        result: Answered = retrying(self._attempt, call)
        return result

    def _wait(self, tenacity: Any) -> Callable[[Any], float]:
        """The pause that the provider requests, else random exponential backoff."""
        spread = tenacity.wait_random_exponential(multiplier=self.file.backoff_s, max=30)

        def wait(state: Any) -> float:
            error = state.outcome.exception()
            requested = error.retry_after if isinstance(error, TransientError) else None
            return float(spread(state)) if requested is None else requested

        return wait

    def _attempt(self, call: Call) -> Answered:
        with self.patience.turn():
            try:
                result = self._send(call)
            except (TransientError, LimitError):
                raise
            except Exception as error:
                rejected = isinstance(error, RejectedError)
                self.patience.failed(hash(call.user), scrubbed(str(error)), rejected)
                raise
            self.patience.succeeded()
            return result

    def _send(self, call: Call) -> Answered:
        reserved = self._reserve(call)
        try:
            self._pace()
            reply = self.provider.ask(call)
            self._count(reply)
        except TransientError as error:
            if error.retry_after is not None and error.retry_after > LONGEST_WAIT_S:
                raise CallError(f"{error}; it asks to wait {error.retry_after:.0f} s") from error
            raise
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

    def _pace(self) -> None:
        """Keep to the definition's requests per minute."""
        if self.file.requests_per_minute is None:
            return
        with self._lock:
            start = max(time.monotonic(), self._next_start)
            self._next_start = start + 60.0 / self.file.requests_per_minute
        time.sleep(max(0.0, start - time.monotonic()))

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
