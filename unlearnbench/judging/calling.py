"""Calls to a provider: bounded, paced, retried, paid for, and given up in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any, Protocol

from unlearnbench.extras import extra
from unlearnbench.judging.definition import JudgeFile, Price
from unlearnbench.judging.prompt import Call, MalformedReplyError, Reading, read_reply
from unlearnbench.judging.secrets import scrubbed
from unlearnbench.types import Usage

LONGEST_WAIT_S = 60.0
"""A provider that asks for a longer pause than this is not waited for."""
GIVE_UP_AFTER = 4
"""So many calls in a row that failed with all their attempts, and no more are made."""


class CallError(Exception):
    """A call that cannot succeed: refused, misconfigured, another model answered."""


class TransientError(Exception):
    """A call that may succeed later; `retry_after` is the provider's own wish, in seconds."""

    def __init__(self, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Reply:
    """What a provider sent back, with the tokens it counted.

    `problem` says why the text must not be used; the tokens are paid for all the same.
    """

    text: str
    input_tokens: int
    output_tokens: int
    problem: CallError | MalformedReplyError | None = None


class Provider(Protocol):
    """Puts one call to a model. Raises `TransientError` or `CallError`."""

    def ask(self, call: Call) -> Reply:
        """The model's reply."""
        ...


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a call gave no verdicts."""

    error: str


class Calls:
    """Puts many calls to one provider. Thread-safe counters outlive one `run`."""

    def __init__(self, file: JudgeFile, provider: Provider, max_dollars: float | None) -> None:
        self.file = file
        self.provider = provider
        self.max_dollars = max_dollars
        self.usage = Usage(dollars=0.0 if file.price else None)
        self._lock = threading.Lock()
        self._next_start = 0.0
        self._failed_in_row = 0
        self._reserved = 0.0

    def run(self, calls: Sequence[Call]) -> Iterator[tuple[Call, dict[str, Reading] | Failed]]:
        """Yield each call once with its verdicts or why there are none, as they come in."""
        pool = ThreadPoolExecutor(self.file.concurrency, thread_name_prefix="judge")
        try:
            futures = {pool.submit(self._one, call): call for call in calls}
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _one(self, call: Call) -> dict[str, Reading] | Failed:
        try:
            found = self._retried(call)
        except (TransientError, MalformedReplyError) as error:
            with self._lock:
                self._failed_in_row += isinstance(error, TransientError)
            return Failed(f"{error} (after {self.file.attempts} attempts)")
        except Exception as error:  # noqa: BLE001 - one call's fault must not end the others
            return Failed(scrubbed(f"{type(error).__name__}: {error}"))
        with self._lock:
            self._failed_in_row = 0
        return found

    def _retried(self, call: Call) -> dict[str, Reading]:
        tenacity = extra("tenacity", "gemini")
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.file.attempts),
            wait=self._wait(tenacity),
            retry=tenacity.retry_if_exception_type((TransientError, MalformedReplyError)),
            reraise=True,
        )
        result: dict[str, Reading] = retrying(self._attempt, call)
        return result

    def _wait(self, tenacity: Any) -> Callable[[Any], float]:
        """The provider's own wish where it has one, else random exponential backoff."""
        spread = tenacity.wait_random_exponential(multiplier=self.file.backoff_s, max=30)

        def wait(state: Any) -> float:
            error = state.outcome.exception()
            wish = error.retry_after if isinstance(error, TransientError) else None
            return float(spread(state)) if wish is None else wish

        return wait

    def _attempt(self, call: Call) -> dict[str, Reading]:
        if self._failed_in_row >= GIVE_UP_AFTER:
            raise CallError("given up: the provider failed too many calls in a row")
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
        if reply.problem is not None:
            raise reply.problem
        return read_reply(call, reply.text)

    def _pace(self) -> None:
        """Keep to the requests a minute that the definition allows."""
        if self.file.requests_per_minute is None:
            return
        with self._lock:
            start = max(time.monotonic(), self._next_start)
            self._next_start = start + 60.0 / self.file.requests_per_minute
        time.sleep(max(0.0, start - time.monotonic()))

    def _reserve(self, call: Call) -> float:
        """Set the call's likely price aside. Raises `CallError` if it does not fit the limit."""
        if self.max_dollars is None:
            return 0.0
        if self.file.price is None:
            raise CallError("--max-cost: the price of this judge's model is not known")
        likely = dollars(self.file.price, *estimated_tokens(call))
        with self._lock:
            spent = (self.usage.dollars or 0.0) + self._reserved
            if spent + likely > self.max_dollars:
                raise CallError(
                    f"--max-cost {self.max_dollars} would be passed: {spent:.4f} spent or under way"
                )
            self._reserved += likely
        return likely

    def _count(self, reply: Reply) -> None:
        with self._lock:
            self.usage.calls += 1
            self.usage.input_tokens += reply.input_tokens
            self.usage.output_tokens += reply.output_tokens
            if self.file.price is not None and self.usage.dollars is not None:
                price = self.file.price
                self.usage.dollars += dollars(price, reply.input_tokens, reply.output_tokens)


def dollars(price: Price, input_tokens: int, output_tokens: int) -> float:
    """US dollars for so many tokens at list price."""
    return (input_tokens * price.input + output_tokens * price.output) / 1e6


def estimated_tokens(call: Call) -> tuple[int, int]:
    """(input, output) tokens of a call before it is made: four characters a token, and forty
    tokens for each verdict with its evidence. An estimate; the provider counts.
    """
    items = len(call.responses) + len(call.canaries)
    return (len(call.system) + len(call.user)) // 4, 40 * items + 10
