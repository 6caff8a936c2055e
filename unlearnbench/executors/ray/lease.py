"""A worker of Ray that one unit of work has for itself, and the engine in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from unlearnbench.errors import EngineError
from unlearnbench.executors.ray.pool import Member, raised_by
from unlearnbench.executors.ray.worker import AnswerPart, Ready
from unlearnbench.interfaces import Generator
from unlearnbench.types import Completion, Failure, GeneratorInfo, Probe, Sampling, Setting

T = TypeVar("T")


class WorkerLostError(EngineError):
    """The worker of a unit is gone: the unit begins again with another one."""


class Workers(Protocol):
    """Where leases come from."""

    ray: Any

    def take(self) -> Member:
        """A worker that nobody has, as soon as there is one."""
        ...

    def give_back(self, member: Member) -> None:
        """The worker has nothing to do any more."""
        ...

    def lost(self, member: Member, error: BaseException) -> BaseException:
        """The worker is gone; what to raise."""
        ...


class RayLease:
    """See `Lease`."""

    def __init__(self, workers: Workers) -> None:
        self._workers, self._ray = workers, workers.ray
        self._member: Member | None = None

    def engine(self, make: Callable[[Any], Generator]) -> Generator:
        """See `Lease`. Raises `WorkerLostError`, and what `make` raises there."""
        return LeasedEngine(self, self.get(lambda actor: actor.turn.remote(make)))

    def measure(self, work: Callable[[Any], T]) -> T:
        """See `Lease`. Raises like `engine`."""
        result: T = self.get(lambda actor: actor.measure.remote(work))
        return result

    def release(self) -> None:
        """Give the worker back, if there is one."""
        if self._member is not None:
            self._member.actor.rest.remote()
            self._workers.give_back(self._member)
            self._member = None

    def get(self, call: Callable[[Any], Any]) -> Any:
        """The result of a call of the worker."""
        if self._member is None:
            self._member = self._workers.take()
        try:
            return self._ray.get(call(self._member.actor))
        except self._ray.exceptions.RayError as error:
            raise self._raised(error) from error

    def parts(self, block: Sequence[Probe], sampling: Sampling) -> Iterator[AnswerPart]:
        """The answers of a block, part by part; the last one says so."""
        assert self._member is not None
        answer = self._member.actor.answer.options(num_returns="streaming")
        try:
            for reference in answer.remote(tuple(block), sampling):
                yield self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            raise self._raised(error) from error

    def _raised(self, error: Any) -> BaseException:
        if isinstance(error, self._ray.exceptions.RayTaskError):
            return raised_by(error)
        assert self._member is not None
        member, self._member = self._member, None
        return self._workers.lost(member, error)


class LeasedEngine:
    """The engine in a worker; see `Generator`."""

    def __init__(self, lease: RayLease, ready: Ready) -> None:
        self._lease, self._ready = lease, ready

    @property
    def info(self) -> GeneratorInfo:
        """The engine's, with the notes that it has taken so far."""
        return self._ready.info

    @property
    def asks_singly(self) -> bool:
        """Whether the engine does."""
        return self._ready.asks_singly

    def adopt(self, settings: Mapping[str, Setting]) -> None:
        """Adopt the run's settings there."""
        self._ready = self._lease.get(lambda actor: actor.adopt.remote(settings))

    def prompts_fingerprint(self, probes: Sequence[Probe]) -> str | None:
        """As the engine knows it."""
        call = self._lease.get(lambda actor: actor.prompts_fingerprint.remote(tuple(probes)))
        fingerprint: str | None = call
        return fingerprint

    def generate(
        self, block: Sequence[Probe], sampling: Sampling
    ) -> Iterator[Completion | Failure]:
        """Answer a block. Raises `WorkerLostError`; the block is void then."""
        for part in self._lease.parts(block, sampling):
            yield from part.results
            if part.last:
                self._ready = replace(self._ready, info=replace(self._ready.info, notes=part.notes))
