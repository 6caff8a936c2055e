"""Units of work, several at a time, each with a worker of Ray for itself."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from typing import TypeVar

from unlearnbench.errors import EngineError
from unlearnbench.executors.ray.engine import RayEngine
from unlearnbench.executors.ray.lease import RayLease, WorkerLostError
from unlearnbench.executors.ray.pool import SCHEDULED_S, Member
from unlearnbench.executors.ray.spreading import MOST_LOSSES
from unlearnbench.interfaces import Generator

T = TypeVar("T")
A = TypeVar("A")
log = logging.getLogger(__name__)

LOOK_S = 0.2
"""Seconds between two looks for a worker that has started."""
PATIENCE_S = 10.0
"""Seconds that an interrupted call waits for units that are writing."""


class RayCrew:
    """See `Crew`. Threads of this process carry units; its workers compute, and write nothing."""

    def __init__(self, engine: RayEngine) -> None:
        self._engine, self._pool, self.ray = engine, engine.pool, engine.pool.ray
        self._changed = threading.Condition()
        self._busy: set[Member] = set()
        self._has_leased = False
        self._stopped: BaseException | None = None

    @property
    def whole(self) -> Generator:
        """See `Crew`."""
        assert not self._has_leased, "the workers' models are in other states"
        return self._engine

    def map(self, work: Callable[[A], T], items: Sequence[A]) -> Iterator[T]:
        """See `Crew`. Raises what the first unit raised that failed; the others are stopped."""
        waiting, done = deque(enumerate(items)), SimpleQueue[tuple[int, T | BaseException]]()

        def serve() -> None:
            while self._stopped is None:
                try:
                    number, item = waiting.popleft()
                except IndexError:
                    return
                try:
                    done.put((number, work(item)))
                except BaseException as error:  # noqa: BLE001 - raised where it is waited for
                    done.put((number, error))

        # One more than there are workers: while one unit is judged, another is asked.
        count = min(len(items), self._pool.workforce.workers + 1)
        threads = [threading.Thread(target=serve, daemon=True) for _ in range(count)]
        for thread in threads:
            thread.start()
        try:
            yield from _in_order(done, len(items))
        except BaseException as error:  # noqa: BLE001 - it goes on, after the workers have ended
            self._stop(error)
            until = time.monotonic() + PATIENCE_S
            for thread in threads:
                thread.join(max(0.0, until - time.monotonic()))
            raise self._stopped or error from None

    def unit(self, name: str, work: Callable[[RayLease], T]) -> T:
        """See `Crew`. Raises `EngineError` after three losses, and what `work` raises."""
        why = ""
        for _ in range(MOST_LOSSES):
            lease = RayLease(self)
            try:
                return work(lease)
            except WorkerLostError as error:
                why = str(error)
            finally:
                lease.release()
        raise EngineError(
            f"{name}: {MOST_LOSSES} workers were lost over it ({why}); what was finished is kept: "
            "see to what ended them, then give the same command again"
        )

    def take(self) -> Member:
        """See `Workers`. Raises `EngineError` if there are none and none will come."""
        began = time.monotonic()
        with self._changed:
            self._has_leased = True
            while True:
                self._check()
                for member in self._pool.starting[:]:
                    if self.ray.wait([member.ready], timeout=0)[0]:
                        self._pool.join(member)
                free = [member for member in self._pool.members if member not in self._busy]
                if free:
                    self._busy.add(free[0])
                    return free[0]
                if not self._pool.members and time.monotonic() - began > SCHEDULED_S:
                    self._pool.give_up_waiting()
                if not self._pool.members and not self._pool.starting:
                    raise EngineError(
                        f"no worker is left ({self._pool.lost_why}); what was finished is kept: "
                        "give the same command again"
                    )
                self._changed.wait(LOOK_S)

    def give_back(self, member: Member) -> None:
        """See `Workers`."""
        with self._changed:
            self._busy.discard(member)
            self._changed.notify_all()

    def lost(self, member: Member, error: BaseException) -> BaseException:
        """See `Workers`; another worker is started in its place."""
        with self._changed:
            self._busy.discard(member)
            if self._stopped is not None:
                return EngineError("stopped, because another part of the work failed")
            self._pool.replace(member, error)
            return WorkerLostError(self._pool.lost_why)

    def close(self) -> None:
        """End the workers."""
        self._engine.close()

    def _check(self) -> None:
        if self._stopped is not None:
            raise EngineError("stopped, because another part of the work failed")

    def _stop(self, error: BaseException) -> None:
        """End the workers, and with them whatever waits for them."""
        with self._changed:
            if self._stopped is None:
                self._stopped = error
                self._pool.close()
            self._changed.notify_all()


def _in_order(done: SimpleQueue[tuple[int, T | BaseException]], count: int) -> Iterator[T]:
    """The results by number, each as soon as those before it are there; the first error raises."""
    there: dict[int, T] = {}
    for number in range(count):
        while number not in there:
            at, result = done.get()
            if isinstance(result, BaseException):
                raise result
            there[at] = result
        yield there.pop(number)
