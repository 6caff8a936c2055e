"""Hand the blocks of a run out to workers; ask a block again when its worker is lost."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from unlearnbench.executors.blocks import Collected, Results, Task
from unlearnbench.executors.ray.pool import SCHEDULED_S, Member, Pool, raised_by
from unlearnbench.executors.ray.worker import AnswerPart
from unlearnbench.types import Sampling

log = logging.getLogger(__name__)

MOST_LOSSES = 3
"""Workers that may be lost over one block before its facts stay open."""


@dataclass(frozen=True, slots=True, eq=False)
class _UnderWay:
    member: Member
    collected: Collected


class Spreading:
    """The blocks of one run on their way through a pool of workers."""

    def __init__(
        self, pool: Pool, sampling: Sampling, singly: bool, advance: Callable[[int], None]
    ) -> None:
        self._pool, self._ray = pool, pool.ray
        self._sampling, self._singly, self._advance = sampling, singly, advance
        self._waiting: deque[Task] = deque()
        self._idle = list(pool.members)
        self._busy: dict[Any, _UnderWay] = {}
        self._losses: Counter[Task] = Counter()
        self._in_a_row = 0
        self.n_lost = 0
        self.notes: list[str] = []

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Results]]:
        """Each task once, as it is complete. Raises what an engine raises."""
        for task in tasks:
            if task.missing:
                self._waiting.append(task)
            else:
                yield task, {}
        if 0 < len(self._waiting) < len(self._idle):
            log.warning(
                "%d blocks of questions are left for %d workers; the others have nothing to do",
                len(self._waiting),
                len(self._idle),
            )
        while self._waiting or self._busy:
            self._hand_out()
            starting = {member.ready: member for member in self._pool.starting}
            if not self._busy and (not starting or self._hopeless):
                yield from self._give_up()
                return
            pending = [*self._busy, *starting]
            seconds = None if self._busy else SCHEDULED_S
            ready, _ = self._ray.wait(pending, num_returns=1, timeout=seconds)
            if not ready:
                self._pool.give_up_waiting()
            for reference in ready:
                if reference in starting:
                    self._take_in(starting[reference])
                else:
                    yield from self._take(reference)

    @property
    def _hopeless(self) -> bool:
        """Whether workers are lost again and again and no block is ever completed."""
        return self._in_a_row >= MOST_LOSSES * (self._pool.workforce.workers + 1)

    def _hand_out(self) -> None:
        while self._waiting and self._idle and not self._hopeless:
            task, member = self._waiting.popleft(), self._idle.pop(0)
            collected = Collected(task, task.requested(self._singly))
            call = member.actor.answer.options(num_returns="streaming")
            stream = call.remote(collected.requested, self._sampling)
            self._busy[stream] = _UnderWay(member, collected)

    def _take_in(self, member: Member) -> None:
        ready = self._pool.join(member)
        if ready is not None:
            self._note(ready.info.notes)
            self._idle.append(member)

    def _take(self, stream: Any) -> Iterator[tuple[Task, Results]]:
        """Take the next part of a block; the block, if that was the last."""
        under_way = self._busy[stream]
        collected = under_way.collected
        try:
            part: AnswerPart = self._ray.get(next(stream))
        except self._ray.exceptions.RayTaskError as error:
            raise raised_by(error) from error
        except (self._ray.exceptions.RayError, StopIteration) as error:
            del self._busy[stream]
            yield from self._lost(under_way, error)
            return
        self._advance(collected.add(part.results))
        if part.last:
            del self._busy[stream]
            self._note(part.notes)
            self._in_a_row = 0
            self._idle.append(under_way.member)
            yield collected.task, collected.complete()

    def _lost(self, under_way: _UnderWay, error: BaseException) -> Iterator[tuple[Task, Results]]:
        """A worker is gone: its block is void and waits again, or has failed too often."""
        task = under_way.collected.task
        self._advance(-under_way.collected.n_new)
        self._losses[task] += 1
        self._in_a_row += 1
        self.n_lost += 1
        self._pool.replace(under_way.member, error)
        if self._losses[task] < MOST_LOSSES:
            self._waiting.appendleft(task)
            return
        yield task, self._failed(task, f"{MOST_LOSSES} workers were lost over its block")

    def _give_up(self) -> Iterator[tuple[Task, Results]]:
        while self._waiting:
            task = self._waiting.popleft()
            yield task, self._failed(task, "no worker is left")

    def _failed(self, task: Task, what: str) -> Results:
        self._advance(len(task.missing))
        return task.failed(f"{what} ({self._pool.lost_why})")

    def _note(self, notes: Sequence[str]) -> None:
        self.notes += [note for note in notes if note not in self.notes]
