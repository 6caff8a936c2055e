"""The base of all stress tests, and their findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from unlearnbench.attacks.catalog import Scale
from unlearnbench.benchmark import Benchmark
from unlearnbench.checkpoints.resolve import Checkpoint
from unlearnbench.engines.transformers.engine import ModelEngine
from unlearnbench.protocol.runner import Runner
from unlearnbench.runs.run import Run
from unlearnbench.scoring.scores import of_facts
from unlearnbench.types import Fact, Interval, PromptFormat, Score, Setting
from unlearnbench.types.options import DEFAULTS, EngineOptions

Loaded = tuple[PreTrainedModel, PreTrainedTokenizerBase]


@dataclass(slots=True)
class Subject:
    """The checkpoint under test.

    `folder` takes the runs, `load` makes a fresh copy of the model, `engine` is one that all tests
    share as long as they do not change the model. `state` says what the unchanged model is, for the
    identity of a run. `baseline` is the protocol's run of the model
    as it is, against which leaks are new.
    """

    checkpoint: Checkpoint
    benchmark: Benchmark
    runner: Runner
    folder: Path
    scale: Scale
    prompt_format: PromptFormat
    load: Callable[[], Loaded]
    engine: Callable[[], ModelEngine]
    baseline: Run
    state: Mapping[str, Setting]
    seed: int = 0
    base: Checkpoint | None = None
    options: EngineOptions = DEFAULTS
    load_base: Callable[[], Loaded] | None = None

    def facts(self, split: Literal["forget", "retain", "never"]) -> tuple[Fact, ...]:
        """The facts of a split, or the first of them if there is a limit."""
        return self.benchmark.split(split)[: self.scale.limit]


@dataclass(frozen=True, slots=True)
class Control:
    """The same attack where there is nothing to find: `kind` says where."""

    kind: Literal["never-known facts", "other facts' answers"]
    score: Score


@dataclass(frozen=True, slots=True)
class Finding:
    """One attack's result.

    `states`: for each forget fact, whether it leaked (None: open); empty for a diagnostic that
    asks nothing. `ranked`: whether its leaks count as leaks of the checkpoint. `interval` stands in
    for Wilson's where a better one is known. `details` are figures for the record, `note` a
    sentence for the table.
    """

    name: str
    states: Mapping[str, bool | None] = field(default_factory=dict)
    ranked: bool = True
    control: Control | None = None
    probes: int = 0
    seconds: float = 0.0
    interval: Interval | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    note: str = ""

    @property
    def score(self) -> Score:
        """The share of forget facts that leaked."""
        share = of_facts(self.name, self.states)
        return share if self.interval is None else replace(share, interval=self.interval)

    @property
    def leaked(self) -> tuple[str, ...]:
        """The facts that leaked."""
        return tuple(fact for fact, state in self.states.items() if state)


class StressTest(Protocol):
    """An attack. `needs_base`: it cannot be run without the model before unlearning."""

    name: str
    summary: str
    needs_base: bool

    def run(self, subject: Subject) -> list[Finding]:
        """Run the attack; one finding for each of its variants.

        Answers and verdicts go through `subject.runner`, so that what fails stays open.
        """
        ...
