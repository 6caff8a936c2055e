"""Executor `local`: this process answers block after block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from unlearnbench.executors.blocks import Collected, Results, SpreadGenerator, Task
from unlearnbench.interfaces import Generator, SingleGenerator
from unlearnbench.types import Sampling


def answer_tasks(
    generator: Generator, tasks: Sequence[Task], sampling: Sampling, advance: Callable[[int], None]
) -> Iterator[tuple[Task, Results]]:
    """Each task with the answers that it lacked, as they come.

    Here the tasks come in order; a generator that spreads them decides itself. `advance` counts
    answers. Raises what the engine raises.
    """
    if isinstance(generator, SpreadGenerator):
        yield from generator.answer_tasks(tasks, sampling, advance)
        return
    singly = isinstance(generator, SingleGenerator) and generator.asks_singly
    for task in tasks:
        if not task.missing:
            yield task, {}
            continue
        collected = Collected(task, task.requested(singly))
        for result in generator.generate(collected.requested, sampling):
            advance(collected.add([result]))
        yield task, collected.complete()
