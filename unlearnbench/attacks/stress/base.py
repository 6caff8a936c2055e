"""The base of all stress tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from unlearnbench.attacks.catalog import Scale
from unlearnbench.attacks.stress.findings import Finding
from unlearnbench.attacks.stress.planned import StressInputs, first_replies
from unlearnbench.benchmark import Benchmark
from unlearnbench.checkpoints.resolve import Checkpoint
from unlearnbench.executors.crew import Crew
from unlearnbench.interfaces import Generator
from unlearnbench.protocol.runner import Runner
from unlearnbench.runs.run import Run
from unlearnbench.types import PromptFormat, Setting
from unlearnbench.types.options import DEFAULTS, EngineOptions

Loaded = tuple[PreTrainedModel, PreTrainedTokenizerBase]
T = TypeVar("T")


class Loadable(Protocol):
    """The checkpoint and its base, ready to be loaded: a `Subject`, or what a worker has of it."""

    @property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint under test."""
        ...

    @property
    def base(self) -> Checkpoint | None:
        """The model before unlearning, if there is one."""
        ...

    @property
    def options(self) -> EngineOptions:
        """How it is asked."""
        ...

    @property
    def load(self) -> Callable[[], Loaded]:
        """Loads the checkpoint."""
        ...

    @property
    def load_base(self) -> Callable[[], Loaded] | None:
        """Loads the base."""
        ...

    @property
    def engine(self) -> Callable[[], Generator]:
        """Gives the one engine of the unchanged model."""
        ...


@dataclass(slots=True)
class Subject:
    """The checkpoint under test.

    `folder` takes the runs, `load` makes a fresh copy of the model, `engine` is one that all tests
    share as long as they do not change the model: a `ModelEngine`, or one that only asks, for tests
    that need no weights. `state` says what the unchanged model is, for the
    identity of a run. `baseline` is the protocol's run of the model
    as it is, against which leaks are new. `crew` are the workers that are asked instead, if any;
    a test that uses `load` or `engine` itself does so in this process all the same.
    """

    checkpoint: Checkpoint
    benchmark: Benchmark
    runner: Runner
    folder: Path
    scale: Scale
    prompt_format: PromptFormat
    load: Callable[[], Loaded]
    engine: Callable[[], Generator]
    baseline: Run
    state: Mapping[str, Setting]
    seed: int = 0
    base: Checkpoint | None = None
    options: EngineOptions = DEFAULTS
    load_base: Callable[[], Loaded] | None = None
    crew: Crew | None = None

    def measured(self, name: str, work: Callable[[Loadable], T]) -> T:
        """What `work` makes of the models, here or in a worker; it must travel there."""
        if self.crew is None:
            return work(self)
        return self.crew.unit(name, lambda lease: lease.measure(work))

    @property
    def inputs(self) -> StressInputs:
        """What decides the probes of its tests."""
        replies = first_replies(self.baseline)
        return StressInputs(self.benchmark, self.scale, self.prompt_format, self.seed, replies)


class StressTest(Protocol):
    """An attack.

    `needs_base`: it cannot be run without the model before unlearning. `needs_weights`: it changes
    or reads the model itself, rather than only asking it.
    """

    name: str
    summary: str
    needs_base: bool
    needs_weights: bool

    def run(self, subject: Subject) -> list[Finding]:
        """Run the attack; one finding for each of its variants.

        Answers and verdicts go through `subject.runner`, so that what fails stays open.
        """
        ...
