"""Transport `batch`: all calls as one batch job, slower and usually at half the price."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from unlearnbench.hashing import sha256_json
from unlearnbench.judging.llm.answered import Answered, answered
from unlearnbench.judging.llm.prompt import Call
from unlearnbench.remote.errors import (
    CallError,
    CanaryError,
    Failed,
    MalformedReplyError,
    TransientError,
)
from unlearnbench.remote.paying import count, dollars, unknown_price
from unlearnbench.remote.paying import estimated_tokens as tokens_of
from unlearnbench.remote.prompts import Prompt, Reply
from unlearnbench.remote.settings import ModelSettings
from unlearnbench.types import Usage

FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 60.0
LOST_AFTER = 10
"""Failed status requests in a row after which a job is given up."""


class BatchProvider(Protocol):
    """A provider that takes batch jobs. All methods raise `TransientError` or `CallError`."""

    def submit(self, prompts: Mapping[str, Prompt]) -> str:
        """Start a job over prompts by key and return its name."""
        ...

    def collect(self, job: str) -> Mapping[str, Reply | Failed] | None:
        """The replies by key, or None while the job runs. A failed job raises `CallError`."""
        ...


@dataclass
class BatchTransport:
    """Sends calls as one job and waits. Failed calls stay open; the next run retries them."""

    file: ModelSettings
    provider: BatchProvider
    max_dollars: float | None
    first_pause_s: float = FIRST_PAUSE_S

    def __post_init__(self) -> None:
        """Start with no usage."""
        self.usage = Usage(dollars=0.0 if self.file.price else None)

    def run(self, calls: Sequence[Call]) -> Iterator[tuple[Call, Answered | Failed]]:
        """Yield each call once, when the job is done."""
        if not calls:
            return
        keyed = {_key(call): call for call in calls}
        try:
            self._check_cost(calls)
            replies = self._wait(self.provider.submit(keyed))
        except (TransientError, CallError) as error:
            replies = {key: Failed(f"batch: {error}") for key in keyed}
        for key, call in keyed.items():
            yield call, self._read(call, replies.get(key, Failed("not in the batch's result")))

    def _wait(self, job: str) -> Mapping[str, Reply | Failed]:
        pause, failures = self.first_pause_s, 0
        while True:
            time.sleep(pause)
            pause = min(LONGEST_PAUSE_S, pause * 1.5)
            try:
                replies = self.provider.collect(job)
            except TransientError as error:
                failures += 1
                if failures >= LOST_AFTER:
                    raise CallError(f"job {job}: its status cannot be read: {error}") from error
                continue
            failures = 0
            if replies is not None:
                return replies

    def _check_cost(self, calls: Sequence[Call]) -> None:
        if self.max_dollars is None:
            return
        if self.file.price is None:
            raise CallError(unknown_price(self.file))
        likely = sum(dollars(self.file.price, *tokens_of(call)) for call in calls)
        spent = self.usage.dollars or 0.0
        if spent + likely > self.max_dollars:
            raise CallError(f"--max-cost {self.max_dollars}: the job would take about {likely:.4f}")

    def _read(self, call: Call, reply: Reply | Failed) -> Answered | Failed:
        if isinstance(reply, Failed):
            return reply
        count(self.usage, reply, self.file.price)
        try:
            return answered(call, reply)
        except (CallError, MalformedReplyError, CanaryError) as error:
            return Failed(f"{type(error).__name__}: {error}")


def _key(call: Call) -> str:
    return sha256_json([call.system, call.user])[:40]
