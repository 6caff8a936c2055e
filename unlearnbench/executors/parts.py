"""An engine that is handed large blocks and gives its workers smaller ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from unlearnbench.executors.blocks import SpreadGenerator, Task
from unlearnbench.types import Completion, Failure, GeneratorInfo, Probe, Sampling, Setting


@dataclass(frozen=True, slots=True, weakref_slot=True)
class InParts:
    """`engine`, whose workers are given `size` probes of a block at a time.

    For probes whose texts may depend on how they are cut: the replies of a local judge.
    """

    engine: SpreadGenerator
    size: int

    @property
    def info(self) -> GeneratorInfo:
        """That of the engine."""
        return self.engine.info

    def adopt(self, settings: Mapping[str, Setting]) -> None:
        """See `Generator`."""
        self.engine.adopt(settings)

    def generate(
        self, block: Sequence[Probe], sampling: Sampling
    ) -> Iterator[Completion | Failure]:
        """Answer a block, as many parts at a time as there are workers."""
        parts = (block[at : at + self.size] for at in range(0, len(block), self.size))
        tasks = [Task(tuple(part), frozenset(probe.key for probe in part)) for part in parts]
        for _, results in self.engine.answer_tasks(tasks, sampling, lambda _: None):
            yield from results.values()
