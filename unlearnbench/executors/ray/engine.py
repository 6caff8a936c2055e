"""The engine of a run whose answers are made by Ray workers; it holds no model itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from unlearnbench.errors import EngineError
from unlearnbench.executors.blocks import Results, Task
from unlearnbench.executors.ray.cluster import connect
from unlearnbench.executors.ray.pool import Pool
from unlearnbench.executors.ray.spreading import Spreading
from unlearnbench.executors.ray.worker import Recipe
from unlearnbench.types import (
    Completion,
    Failure,
    GeneratorInfo,
    Probe,
    Sampling,
    Setting,
)
from unlearnbench.types.execution import ExecutorOptions


class RayEngine:
    """Answers by workers that each have the engine of `recipe`; see `SpreadGenerator`.

    To the run it is that engine: name, fingerprint and settings are those of its workers.
    `expected` finds out the fingerprint of the checkpoint where this machine has it too. Raises
    `EngineError` or `CheckpointError` if the workers cannot be had, or are not alike.
    """

    def __init__(
        self, recipe: Recipe, options: ExecutorOptions, expected: Callable[[], str | None]
    ) -> None:
        if recipe.device.startswith("cuda:"):
            raise EngineError(
                f"--device {recipe.device}: Ray gives each worker its cards; give cuda"
            )
        self._cluster = connect(options)
        self._notes: list[str] = []
        self._n_lost = 0
        try:
            no_gpus = recipe.device in ("cpu", "mps")
            workforce = self._cluster.workforce(options, no_gpus)
            self.pool = Pool(self._cluster.ray, recipe, workforce, expected)
            self._workers = self.pool.start()
        except BaseException:
            self._cluster.leave()
            raise

    @property
    def info(self) -> GeneratorInfo:
        """The workers' engine, with the notes of all of them."""
        own = self.pool.reference.info
        notes = [note for ready in self._workers for note in ready.info.notes]
        return replace(own, notes=tuple(dict.fromkeys((*notes, *self._notes, *self._of_workers()))))

    @property
    def asks_singly(self) -> bool:
        """Whether the workers' engine does."""
        return self.pool.reference.asks_singly

    def adopt(self, settings: Mapping[str, Setting]) -> None:
        """Adopt the run's settings in every worker. Raises `EngineError` if one cannot."""
        self._workers = self.pool.adopt(settings)

    def prompts_fingerprint(self, probes: Sequence[Probe]) -> str | None:
        """As the first worker knows it; the tokenizers of the others are the same."""
        fingerprint: str | None = self.pool.first(
            lambda actor: actor.prompts_fingerprint.remote(tuple(probes))
        )
        return fingerprint

    def generate(
        self, block: Sequence[Probe], sampling: Sampling
    ) -> Iterator[Completion | Failure]:
        """Answer one block, by one worker."""
        task = Task(tuple(block), frozenset(probe.key for probe in block))
        for _, results in self.answer_tasks([task], sampling, lambda _: None):
            yield from results.values()

    def answer_tasks(
        self, tasks: Sequence[Task], sampling: Sampling, advance: Callable[[int], None]
    ) -> Iterator[tuple[Task, Results]]:
        """Answer many blocks, as many at a time as there are workers."""
        spreading = Spreading(self.pool, sampling, self.asks_singly, advance)
        try:
            yield from spreading.run(tasks)
        finally:
            self._notes += spreading.notes
            self._n_lost += spreading.n_lost

    def close(self) -> None:
        """End the workers, and leave the cluster."""
        self.pool.close()
        self._cluster.leave()

    def _of_workers(self) -> Iterator[str]:
        """What a reader of the run must know of the workers."""
        devices = sorted({ready.device for ready in self._workers})
        if len(devices) > 1:
            yield (
                f"answered on different hardware ({'; '.join(devices)}): near-ties between tokens "
                "may fall differently from block to block"
            )
        if self._n_lost:
            yield f"workers lost: {self._n_lost}; their blocks were asked again"
