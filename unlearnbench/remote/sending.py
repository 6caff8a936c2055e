"""Send many calls to one server: bounded, paced, retried, and stopped in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from unlearnbench.environment import extra
from unlearnbench.remote.errors import (
    CallError,
    Failed,
    LimitError,
    RejectedError,
    TransientError,
)
from unlearnbench.remote.http import scrubbed
from unlearnbench.remote.patience import GivenUpError, Patience

LONGEST_WAIT_S = 60.0
"""A call whose server asks for a longer pause than this fails."""
LONGEST_BACKOFF_S = 30.0
"""Longest pause before an attempt where the server asks for none."""

C = TypeVar("C")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Pacing:
    """How many calls at a time and a minute, and how often one is tried.

    `backoff_s` is where the random, exponentially growing pause between attempts begins.
    """

    concurrency: int = 16
    requests_per_minute: int | None = None
    attempts: int = 8
    backoff_s: float = 0.5


class Sender(Generic[C, R]):
    """Sends calls to one server. Thread-safe; what was seen of the server adds up over runs.

    `send` makes one attempt at a call. `subject` says what a call is about: calls about one thing
    that fail tell no more of the server than one of them. Errors of the classes `retried` are tried
    again.
    """

    def __init__(
        self,
        pacing: Pacing,
        send: Callable[[C], R],
        subject: Callable[[C], str],
        retried: tuple[type[Exception], ...] = (TransientError,),
    ) -> None:
        self.pacing = pacing
        self._send = send
        self._subject = subject
        self._retried_errors = retried
        self._patience = Patience(pacing.concurrency)
        self._lock = threading.Lock()
        self._next_start = 0.0

    def run(self, calls: Sequence[C]) -> Iterator[tuple[C, R | Failed]]:
        """Yield each call once, with its result or the reason for none, as replies arrive."""
        pool = ThreadPoolExecutor(self.pacing.concurrency, thread_name_prefix="call")
        try:
            futures = {pool.submit(self._result_of, call): call for call in calls}
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _result_of(self, call: C) -> R | Failed:
        try:
            return self._retried(call)
        except GivenUpError as error:
            return Failed(str(error))
        except self._retried_errors as error:
            transient = isinstance(error, TransientError)
            if transient:
                self._patience.exhausted(str(error))
            text = f"{error} (after {self.pacing.attempts} attempts)"
            return Failed(scrubbed(text), own=not transient)
        except Exception as error:  # noqa: BLE001 - one call's fault must not end the others
            own = not isinstance(error, RejectedError | LimitError)
            return Failed(scrubbed(f"{type(error).__name__}: {error}"), own)

    def _retried(self, call: C) -> R:
        tenacity = extra("tenacity", "openai")
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.pacing.attempts),
            wait=self._wait(tenacity),
            retry=tenacity.retry_if_exception_type(self._retried_errors),
            reraise=True,
        )
        result: R = retrying(self._attempt, call)
        return result

    def _wait(self, tenacity: Any) -> Callable[[Any], float]:
        """The pause that the server requests, else random exponential backoff."""
        spread = tenacity.wait_random_exponential(
            multiplier=self.pacing.backoff_s, max=LONGEST_BACKOFF_S
        )

        def wait(state: Any) -> float:
            error = state.outcome.exception()
            requested = error.retry_after if isinstance(error, TransientError) else None
            return float(spread(state)) if requested is None else requested

        return wait

    def _attempt(self, call: C) -> R:
        with self._patience.turn():
            try:
                result = self._once(call)
            except (TransientError, LimitError):
                raise
            except Exception as error:
                rejected = isinstance(error, RejectedError)
                self._patience.failed(self._subject(call), scrubbed(str(error)), rejected)
                raise
            self._patience.succeeded()
            return result

    def _once(self, call: C) -> R:
        self._pace()
        try:
            return self._send(call)
        except TransientError as error:
            if error.retry_after is not None and error.retry_after > LONGEST_WAIT_S:
                raise CallError(f"{error}; it asks to wait {error.retry_after:.0f} s") from error
            raise

    def _pace(self) -> None:
        """Keep to the requests per minute."""
        if self.pacing.requests_per_minute is None:
            return
        with self._lock:
            start = max(time.monotonic(), self._next_start)
            self._next_start = start + 60.0 / self.pacing.requests_per_minute
        time.sleep(max(0.0, start - time.monotonic()))
