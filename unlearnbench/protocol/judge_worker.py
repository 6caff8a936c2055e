"""Judge in a thread: verdicts are committed while the next block is being generated."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType

from unlearnbench.interfaces import Judge
from unlearnbench.runs.codec import outcome_record
from unlearnbench.runs.folder import RunFolder
from unlearnbench.runs.judging import judge_readings
from unlearnbench.types import Failure, JudgeItem, Judgement, ProbeKey

COMMIT_S = 0.25
"""Seconds between two writes of verdicts, each of which waits for the disk."""
PATIENCE_S = 10.0
"""Seconds that an interrupted run waits for a verdict that is being written."""


@dataclass
class Verdicts:
    """A thread that judges submitted items in order, all that are waiting at a time.

    The verdicts of a fact are committed together, soon after all of them are known. `judging` is
    held meanwhile. Used as a context manager: its exit waits for all items, or stops after an
    error. Raises what the judge or the disk raised.
    """

    judge: Judge
    folder: RunFolder
    advance: Callable[[int], None]
    judging: threading.Lock = field(default_factory=threading.Lock)
    _waiting: queue.SimpleQueue[Sequence[JudgeItem] | None] = field(
        default_factory=queue.SimpleQueue
    )
    _stopped: threading.Event = field(default_factory=threading.Event)
    _error: BaseException | None = None

    def __enter__(self) -> Verdicts:
        """Start the thread."""
        self._thread = threading.Thread(target=self._work, name="verdicts", daemon=True)
        self._thread.start()
        return self

    def submit(self, items: Sequence[JudgeItem]) -> None:
        """Queue items to be judged. Raises the error of earlier ones."""
        if self._error is not None:
            raise self._error
        self._waiting.put(items)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for all submitted items, or stop after an error."""
        self._waiting.put(None)
        if kind is None:
            try:
                self._thread.join()
            except BaseException:
                self._stop()
                raise
            if self._error is not None:
                raise self._error
        else:
            self._stop()

    def _stop(self) -> None:
        self._stopped.set()
        self._thread.join(PATIENCE_S)

    def _work(self) -> None:
        try:
            while (items := self._next()) is not None and not self._stopped.is_set():
                with self.judging:
                    if not self._stopped.is_set():  # it may have been a long wait
                        self._judge(items)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            self._error = error

    def _next(self) -> list[JudgeItem] | None:
        """All waiting items, or None at the end."""
        first = self._waiting.get()
        if first is None:
            return None
        items = list(first)
        while not self._waiting.empty():
            more = self._waiting.get()
            if more is None:
                self._waiting.put(None)
                break
            items += more
        return items

    def _judge(self, items: Sequence[JudgeItem]) -> None:
        """Judge items; a fact's verdicts are written when all are known, soon and together."""
        facts: dict[str, list[ProbeKey]] = {}
        for item in items:
            facts.setdefault(item.key.fact, []).append(item.key)
        n_missing = {fact: len(keys) for fact, keys in facts.items()}
        results: dict[ProbeKey, Judgement | Failure] = {}
        known: list[Judgement | Failure] = []
        committed = time.monotonic()
        try:
            for result in judge_readings(self.judge, items):
                if self._stopped.is_set():
                    return
                fact = result.key.fact
                results[result.key] = result
                n_missing[fact] -= 1
                if not n_missing[fact]:
                    known += [results.pop(key) for key in facts[fact]]
                if known and time.monotonic() - committed >= COMMIT_S:
                    self._commit(known)
                    known, committed = [], time.monotonic()
        finally:
            if not self._stopped.is_set():  # whoever stopped it may have left the folder
                self._commit(known)

    def _commit(self, results: Sequence[Judgement | Failure]) -> None:
        """Write the verdicts of whole facts."""
        if results:
            self.folder.outcomes.append(outcome_record(result) for result in results)
            self.advance(len(results))
