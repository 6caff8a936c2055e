"""The workers of a run: started together, checked against each other, replaced when lost."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unlearnbench.errors import EngineError
from unlearnbench.executors.ray.checks import check_checkpoint, check_ready, check_surrounding
from unlearnbench.executors.ray.cluster import Workforce
from unlearnbench.executors.ray.worker import Ready, Recipe, Surrounding, Worker, surrounding
from unlearnbench.types import Setting

log = logging.getLogger(__name__)

SCHEDULED_S = 300.0
"""Longest wait for a cluster to find room for a worker."""
MOST_FAILED_STARTS = 3
"""Replacements that may fail to start in a row before there are no more."""


@dataclass(slots=True, eq=False)
class Member:
    """A worker: its actor, and the answers to the first two calls of it, which may be pending."""

    actor: Any
    place: Any
    ready: Any
    host: str = "?"


class Pool:
    """Starts and replaces workers.

    `expected` finds out the checkpoint's fingerprint where this machine has it, meanwhile.
    """

    def __init__(
        self, ray: Any, recipe: Recipe, workforce: Workforce, expected: Callable[[], str | None]
    ) -> None:
        self.ray, self.workforce = ray, workforce
        self._recipe, self._expected = recipe, expected
        self._own = surrounding()
        self._failed_starts = 0
        self.lost_why = ""
        self.members: list[Member] = []
        self.starting: list[Member] = []
        self.reference: Ready

    def start(self) -> tuple[Ready, ...]:
        """Start all workers and see that they are alike.

        Raises `EngineError` if a worker finds no room, dies, or differs, and what the engine raises
        when it is made.
        """
        try:
            return self._start()
        except BaseException:
            self.close()
            raise

    def adopt(self, settings: Mapping[str, Setting]) -> tuple[Ready, ...]:
        """Give all workers the run's settings. Raises `EngineError` if one cannot take them."""
        members = self._living()
        made: list[Ready] = self._get([m.actor.adopt.remote(settings) for m in members])
        self.reference = made[0]
        for member, ready in zip(members, made, strict=True):
            check_ready(ready, self.reference, member.host)
        return tuple(made)

    def first(self, call: Callable[[Any], Any]) -> Any:
        """What the first worker returns. Raises what it raises, `EngineError` if it is lost."""
        return self._get([call(self._living()[0].actor)])[0]

    def replace(self, member: Member, error: BaseException) -> None:
        """Begin to start a worker in the place of one that is lost."""
        self.members.remove(member)
        self._end(member)  # it may only be out of reach, with its card still taken
        self.lost_why = _first_line(error)
        log.warning("a worker on %s was lost (%s); another is started", member.host, self.lost_why)
        self._begin()

    def join(self, member: Member) -> Ready | None:
        """Take in a worker that has started; None, with a warning, if it is not fit for the run."""
        self.starting.remove(member)
        try:
            self._place(member, self._get([member.place])[0])
            ready: Ready = self._get([member.ready])[0]
            check_ready(ready, self.reference, member.host)
        except Exception as error:  # noqa: BLE001 - whatever ails it, the others go on
            self._failed_starts += 1
            self.lost_why = str(error)
            log.warning("a worker was not taken in: %s", error)
            self._end(member)
            self._begin()
            return None
        self._failed_starts = 0
        self.members.append(member)
        return ready

    def give_up_waiting(self) -> None:
        """Leave out the workers that the cluster found no room for."""
        for member in list(self.starting):
            if not self.ray.wait([member.place], timeout=0)[0]:
                self.starting.remove(member)
                self.lost_why = f"{self.lost_why}; Ray found no room for another"
                self._end(member)

    def close(self) -> None:
        """End all workers."""
        for member in (*self.members, *self.starting):
            self._end(member)
        self.members, self.starting = [], []

    def _start(self) -> tuple[Ready, ...]:
        self.starting = [self._spawn(None) for _ in range(self.workforce.workers)]
        places = self._get([member.place for member in self.starting], SCHEDULED_S)
        for member, place in zip(self.starting, places, strict=True):
            self._place(member, place)
        expected = self._expected()
        made: list[Ready] = self._get([member.ready for member in self.starting])
        self.members, self.starting = self.starting, []
        check_checkpoint(made[0], expected)
        self.reference = made[0]
        return self.adopt(made[0].info.settings)

    def _living(self) -> list[Member]:
        if not self.members:
            raise EngineError(f"no worker is left ({self.lost_why}); give the same command again")
        return list(self.members)

    def _begin(self) -> None:
        if self._failed_starts < MOST_FAILED_STARTS:
            self.starting.append(self._spawn(self.reference.info.settings))

    def _spawn(self, settings: Mapping[str, Setting] | None) -> Member:
        # Ray restarts and repeats nothing: what is asked again, and how often, is decided here.
        kind = self.ray.remote(Worker).options(
            num_cpus=self.workforce.cpus,
            num_gpus=self.workforce.gpus,
            max_restarts=0,
            max_task_retries=0,
            scheduling_strategy="SPREAD",
        )
        actor = kind.remote()
        place = actor.surrounding.remote()
        return Member(actor, place, actor.load.remote(self._recipe, settings))

    def _place(self, member: Member, place: Surrounding) -> None:
        member.host = place.host
        log.info("a worker is process %d on %s", place.process, place.host)
        check_surrounding(place, self._own)

    def _end(self, member: Member) -> None:
        self.ray.kill(member.actor, no_restart=True)

    def _get(self, references: Sequence[Any], seconds: float | None = None) -> list[Any]:
        """The results of calls. Raises what they raised, `EngineError` if a worker is lost."""
        try:
            results: list[Any] = self.ray.get(list(references), timeout=seconds)
        except self.ray.exceptions.GetTimeoutError as error:
            each = f"{self.workforce.cpus} CPUs and {self.workforce.gpus:g} GPUs"
            raise EngineError(
                f"Ray found no room for {len(references)} workers of {each} within {seconds:.0f} "
                "s; other work may hold them"
            ) from error
        except self.ray.exceptions.RayTaskError as error:
            raise raised_by(error) from error
        except self.ray.exceptions.RayError as error:
            raise EngineError(f"a worker was lost: {_first_line(error)}") from error
        return results


def raised_by(error: Any) -> BaseException:
    """The exception that was raised in a worker."""
    cause = error.cause
    return cause if isinstance(cause, BaseException) else EngineError(_first_line(error))


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
