"""A block of a plan on its way through an engine, and what must come back of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from unlearnbench.errors import EngineError
from unlearnbench.interfaces import Generator
from unlearnbench.types import Completion, Failure, Probe, ProbeKey, Sampling

Results = dict[ProbeKey, Completion | Failure]
"""What came back, by key."""


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A block of a plan, and the keys in it that have no answer yet."""

    block: tuple[Probe, ...]
    missing: frozenset[ProbeKey]

    def requested(self, singly: bool) -> tuple[Probe, ...]:
        """What the engine is asked: the whole block, because texts depend on it.

        An engine that asks `singly` is asked only for what is missing.
        """
        if not singly:
            return self.block
        return tuple(probe for probe in self.block if probe.key in self.missing)

    def failed(self, error: str) -> Results:
        """A failure for each missing key."""
        keys = (probe.key for probe in self.block if probe.key in self.missing)
        return {key: Failure(key, "generate", error) for key in keys}


@dataclass(slots=True)
class Collected:
    """The results of a task that have come so far; `n_new` of them were missing."""

    task: Task
    requested: Sequence[Probe]
    n_new: int = 0
    _planned: frozenset[ProbeKey] = field(init=False)
    _results: Results = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Note what may come."""
        self._planned = frozenset(probe.key for probe in self.requested)

    def add(self, results: Iterable[Completion | Failure]) -> int:
        """Take results; how many of them were missing.

        Raises `EngineError` for a result that came twice or unasked: the block is then void.
        """
        before = self.n_new
        for result in results:
            if result.key not in self._planned or result.key in self._results:
                raise EngineError(
                    f"the engine answered {result.key} twice or unasked; the block is void"
                )
            self._results[result.key] = result
            self.n_new += result.key in self.task.missing
        return self.n_new - before

    def complete(self) -> Results:
        """The missing answers in plan order; a failure where the engine gave none."""
        failed = self.task.failed("the engine gave no answer")
        return {key: self._results.get(key, failure) for key, failure in failed.items()}


@runtime_checkable
class SpreadGenerator(Generator, Protocol):
    """A generator that answers several blocks at a time, in processes of its own."""

    def answer_tasks(
        self, tasks: Sequence[Task], sampling: Sampling, advance: Callable[[int], None]
    ) -> Iterator[tuple[Task, Results]]:
        """Each task once, in any order, with the answers that it lacked.

        `advance` counts answers as they come; those of a block that must be asked again are taken
        back by a negative number.
        """
        ...

    def close(self) -> None:
        """End its processes."""
        ...
