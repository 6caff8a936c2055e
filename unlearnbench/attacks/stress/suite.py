"""All stress tests on one checkpoint, one after the other, into one folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import torch

from unlearnbench.attacks.catalog import Scale
from unlearnbench.attacks.identity import asked_fields, shared_fields
from unlearnbench.attacks.stress.asked_by import COMPARED, AskingEngine, check_as_before
from unlearnbench.attacks.stress.base import Loaded, StressTest, Subject
from unlearnbench.attacks.stress.findings import Finding, baseline_record, door_record
from unlearnbench.attacks.stress.planned import StressInputs
from unlearnbench.attacks.stress.union import ranked_states, union_of
from unlearnbench.attacks.stress.variants import plan_baseline
from unlearnbench.benchmark import Benchmark
from unlearnbench.checkpoints.resolve import Checkpoint
from unlearnbench.engines.transformers.engine import ModelEngine
from unlearnbench.engines.transformers.loading import load_model, load_tokenizer
from unlearnbench.engines.transformers.prompts import prompt_format
from unlearnbench.environment import versions
from unlearnbench.errors import RunError
from unlearnbench.executors.crew import Crew
from unlearnbench.interfaces import Generator
from unlearnbench.progress import Progress, Together
from unlearnbench.protocol.runner import Runner
from unlearnbench.runs.attacks import STRESS, read_stress, write_attack
from unlearnbench.runs.folder import RunFolder
from unlearnbench.runs.lock import locked
from unlearnbench.runs.schema import (
    BaselineRecord,
    FinishedStress,
    StressIdentity,
    StressRecord,
    utc_now,
)
from unlearnbench.types import Setting
from unlearnbench.types.options import DEFAULTS, EngineOptions


@dataclass(frozen=True, slots=True)
class Suite:
    """The tests and settings of a suite.

    `base` is the model before unlearning, if given. `left_out` names tests that cannot be run, and
    why. `asking` is the engine that asks in place of engine `transformers`. `crew`: workers that
    are asked, several runs at a time; without one this process is.
    """

    tests: Sequence[StressTest]
    checkpoint: Checkpoint
    benchmark: Benchmark
    scale: Scale
    runner: Runner
    device: torch.device
    dtype: torch.dtype
    base: Checkpoint | None = None
    seed: int = 0
    options: EngineOptions = DEFAULTS
    left_out: Mapping[str, str] = field(default_factory=dict)
    asking: AskingEngine | None = None
    crew: Crew | None = None

    @property
    def asked_by(self) -> Mapping[str, Setting]:
        """The fields that name an engine other than `transformers`."""
        return {} if self.asking is None else self.asking.fields

    @property
    def state(self) -> Mapping[str, Setting]:
        """What the unchanged model is, and how it is asked."""
        return {
            **asked_fields(self.checkpoint, self.options),
            **self.asked_by,
            "dtype": str(self.dtype).removeprefix("torch."),
        }

    @property
    def identity(self) -> StressIdentity:
        """Everything that decides the findings, except which tests are run."""
        limit, judge = self.scale.limit, self.runner.judge
        shared = shared_fields(
            self.checkpoint, self.base, self.benchmark, judge, limit, self.options
        )
        own = {
            "dtype": str(self.dtype).removeprefix("torch."),
            "profile": self.scale.name,
            "seed": self.seed,
        }
        return StressIdentity.model_validate({**shared, **own, **self.asked_by})


def run_suite(suite: Suite, folder: Path) -> FinishedStress:
    """Run the tests into `folder`, or go on there; the record, which also stands in `stress.json`.

    What a test asked and was answered is kept in run folders below, so a killed suite asks only
    what is missing. Raises `RunError` if the folder is in use or belongs to another checkpoint.
    """
    suite = replace(suite, runner=replace(suite.runner, root=folder))
    if suite.crew is not None:
        together = Together(folder, suite.runner.on_progress)
        suite = replace(suite, runner=replace(suite.runner, on_progress=together))
    with locked(folder):
        record = _initial_record(folder, suite)
        subject = _subject(suite, folder)
        baseline = baseline_record(subject.baseline)
        compared = subject.baseline.record.generator.settings.get(COMPARED)
        record = record.model_copy(update={"baseline": baseline, "compared": compared})

        def carry_out(test: StressTest) -> tuple[StressTest, list[Finding], float]:
            began = time.monotonic()
            return test, test.run(subject), round(time.monotonic() - began, 1)

        crew, tests = suite.crew, suite.tests
        results = map(carry_out, tests) if crew is None else crew.map(carry_out, tests)
        for number, (test, findings, duration) in enumerate(results, start=1):
            for finding in findings:
                _report(suite, folder, finding, number)
                doors = {**record.findings, finding.name: door_record(finding, baseline)}
                record = record.model_copy(update={"findings": doors})
                write_attack(folder, record)
            seconds = {**record.seconds, test.name: duration}
            record = record.model_copy(update={"seconds": seconds})
        missing = {**record.left_out, **suite.left_out}
        missing = {test: why for test, why in missing.items() if test not in record.seconds}
        record = record.model_copy(update={"left_out": missing})
        finished = _concluded(record, baseline)
        write_attack(folder, finished)
        return finished


def _report(suite: Suite, folder: Path, finding: Finding, number: int) -> None:
    """Report an attack's finding, if it has states of facts."""
    if finding.states:
        text = f"{finding.name}: {len(finding.leaked)} of {len(finding.states)} facts leaked"
        progress = Progress(folder, "results", number, len(suite.tests), finding.name, text=text)
        suite.runner.on_progress(progress)


def _initial_record(folder: Path, suite: Suite) -> StressRecord:
    """The existing record with its findings, or a new one."""
    if (folder / STRESS).is_file():
        record = read_stress(folder)
        different = list(record.identity.differences(suite.identity))
        if different:
            raise RunError(
                f"{folder} holds another suite; {'; '.join(different)}; choose another --out"
            )
        return record.model_copy(update={"status": "running", "finished": None})
    return StressRecord(
        status="running",
        identity=suite.identity,
        checkpoint=suite.checkpoint.label,
        base=suite.base.label if suite.base else None,
        versions=versions(),
        training=suite.runner.training,
        created=utc_now(),
        findings={},
        seconds={},
    )


def _subject(suite: Suite, folder: Path) -> Subject:
    """The subject with its baseline run; the model is loaded when a test first needs it."""
    form = prompt_format(load_tokenizer(suite.checkpoint))

    def loader(checkpoint: Checkpoint) -> Callable[[], Loaded]:
        return lambda: load_model(checkpoint, suite.device, suite.dtype)

    planned = plan_baseline(StressInputs(suite.benchmark, suite.scale, form, suite.seed))

    @lru_cache(maxsize=1)
    def engine() -> Generator:
        if suite.asking is None:
            return ModelEngine(suite.checkpoint, *loader(suite.checkpoint)(), suite.options)
        made = suite.asking.make(suite.checkpoint, suite.options)
        check_as_before(RunFolder(folder / planned.folder), made)
        return made

    crew, state = suite.crew, suite.state
    whole: Callable[[], Generator] = engine if crew is None else lambda: crew.whole
    baseline = suite.runner.ask(folder / planned.folder, planned.probes, whole, state)
    return Subject(
        checkpoint=suite.checkpoint,
        benchmark=suite.benchmark,
        runner=suite.runner,
        folder=folder,
        scale=suite.scale,
        prompt_format=form,
        load=loader(suite.checkpoint),
        engine=engine,
        baseline=baseline,
        state=state,
        seed=suite.seed,
        base=suite.base,
        options=suite.options,
        load_base=loader(suite.base) if suite.base else None,
        crew=crew,
    )


def _concluded(record: StressRecord, baseline: BaselineRecord) -> FinishedStress:
    """The record with the union of all that is ranked, and whether anything is open."""
    attacks = (baseline.states, *ranked_states(record.findings))
    n_open = sum(state is None for states in attacks for state in states.values())
    end = {
        "union": union_of(baseline, record.findings),
        "n_open": n_open,
        "status": "open" if n_open else "complete",
        "finished": utc_now(),
    }
    return FinishedStress(**{**dict(record), **end})
