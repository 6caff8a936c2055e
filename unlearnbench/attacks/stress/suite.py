"""All stress tests on one checkpoint, one after the other, into one folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from unlearnbench.attacks.catalog import Scale
from unlearnbench.attacks.stress.base import Finding, Loaded, StressTest, Subject
from unlearnbench.attacks.stress.variant import protocol_plan
from unlearnbench.benchmark import Benchmark
from unlearnbench.checkpoints.resolve import Checkpoint
from unlearnbench.disk import write_atomically
from unlearnbench.engines.transformers.engine import ModelEngine
from unlearnbench.engines.transformers.loading import load_model, load_tokenizer
from unlearnbench.engines.transformers.prompts import prompt_format
from unlearnbench.environment import versions
from unlearnbench.errors import RunError
from unlearnbench.options import DEFAULTS, EngineOptions, engine_identity
from unlearnbench.progress import Progress
from unlearnbench.protocol.runner import Runner
from unlearnbench.runs.attacks import STRESS as RECORD
from unlearnbench.runs.attacks import read_stress as read_record
from unlearnbench.runs.folder import differences
from unlearnbench.runs.lock import locked
from unlearnbench.runs.run import Run
from unlearnbench.scoring.findings import why_unranked
from unlearnbench.scoring.scores import bounds_record, leaked_anywhere, leaked_on_any, of_facts

_OF_SCORE = {"base-unknown", "retain-unasked"}
"""Codes of what a suite never asks, and `score` does."""


@dataclass(frozen=True, slots=True)
class Suite:
    """Which tests on which checkpoint. `base` is the model before unlearning, if it is given."""

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

    @property
    def identity(self) -> dict[str, Any]:
        """What decides the findings, besides which tests are run."""
        return {
            "checkpoint": self.checkpoint.fingerprint,
            "base": self.base.fingerprint if self.base else None,
            "benchmark": self.benchmark.id,
            "benchmark_version": self.benchmark.version,
            "benchmark_fingerprint": self.benchmark.fingerprint,
            "dtype": str(self.dtype).removeprefix("torch."),
            "profile": self.scale.name,
            "limit": self.scale.limit,
            "seed": self.seed,
            "judge": self.runner.judge.name,
            "judge_identity": self.runner.judge.identity,
            **engine_identity(self.options),
        }


def run_suite(suite: Suite, folder: Path) -> dict[str, Any]:
    """Run the tests into `folder`, or go on there; the record, which also stands in `stress.json`.

    What a test asked and was answered is kept in run folders below, so a killed suite asks only
    what is missing. Raises `RunError` if the folder is in use or belongs to another checkpoint.
    """
    suite = replace(suite, runner=replace(suite.runner, root=folder))
    with locked(folder):
        identity = json.loads(json.dumps(suite.identity))
        record = _begun(folder, identity, suite)
        subject = _subject(suite, folder)
        record["baseline"] = _baseline(subject.baseline)
        for number, test in enumerate(suite.tests, start=1):
            began = time.monotonic()
            for found in test.run(subject):
                _report(suite, folder, found, number)
                record["findings"][found.name] = finding_record(found, subject.baseline)
                write_atomically(folder / RECORD, json.dumps(record, indent=1) + "\n")
            record["seconds"][test.name] = round(time.monotonic() - began, 1)
        _conclude(record, subject.baseline)
        write_atomically(folder / RECORD, json.dumps(record, indent=1) + "\n")
        return record


def _report(suite: Suite, folder: Path, found: Finding, number: int) -> None:
    """Say what an attack found; one that asks nothing has nothing to say."""
    if found.states:
        text = f"{found.name}: {len(found.leaked)} of {len(found.states)} facts leaked"
        progress = Progress(folder, "results", number, len(suite.tests), found.name, text=text)
        suite.runner.on_progress(progress)


def _begun(folder: Path, identity: dict[str, Any], suite: Suite) -> dict[str, Any]:
    """The record of this suite so far. Findings of an earlier call with other tests are kept."""
    path = folder / RECORD
    if path.is_file():
        record: dict[str, Any] = read_record(folder)
        found = list(differences(record["identity"], identity))
        if found:
            raise RunError(
                f"{folder} holds another suite; {'; '.join(found)}; choose another --out"
            )
        return record
    label, training = suite.checkpoint.label, suite.runner.training
    return {
        "schema_version": 1,
        "kind": "stress",
        "status": "running",
        "identity": identity,
        "checkpoint": label,
        "base": suite.base.label if suite.base else None,
        "versions": versions(),
        "training": training.model_dump(mode="json") if training else None,
        "findings": {},
        "seconds": {},
    }


def _subject(suite: Suite, folder: Path) -> Subject:
    """The subject with its baseline asked; the model is loaded when a test first needs it."""
    form = prompt_format(load_tokenizer(suite.checkpoint))

    def loader(checkpoint: Checkpoint) -> Callable[[], Loaded]:
        return lambda: load_model(checkpoint, suite.device, suite.dtype)

    @lru_cache(maxsize=1)
    def engine() -> ModelEngine:
        return ModelEngine(suite.checkpoint, *loader(suite.checkpoint)(), suite.options)

    plan = protocol_plan(suite.benchmark, suite.scale, form, suite.seed)
    state = {
        "checkpoint": suite.checkpoint.fingerprint,
        "dtype": suite.identity["dtype"],
        **engine_identity(suite.options),
    }
    baseline = suite.runner.ask(folder / "baseline", plan.probes, engine, state)
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
    )


def _baseline(run: Run) -> dict[str, Any]:
    states = leaked_on_any(o for o in run.outcomes if o.split == "forget")
    fluency = run.scores["fluency"]
    return {
        "states": states,
        "score": bounds_record(of_facts("baseline", states)),
        "control": bounds_record(
            of_facts("never", leaked_on_any(o for o in run.outcomes if o.split == "never"))
        ),
        "fluency": bounds_record(fluency),
        "unranked": why_unranked(fluency.high),
        "findings": [asdict(f) for f in run.findings if f.code not in _OF_SCORE],
    }


def finding_record(found: Finding, baseline: Run) -> dict[str, Any]:
    """A finding as JSON; `beyond` are the leaks that the protocol's own questions did not find."""
    known = leaked_on_any(o for o in baseline.outcomes if o.split == "forget")
    return {
        "ranked": found.ranked,
        "states": dict(found.states),
        "score": bounds_record(found.score) if found.states else None,
        "beyond": [fact for fact in found.leaked if known.get(fact) is False],
        "control": (
            {"kind": found.control.kind, **bounds_record(found.control.score)}
            if found.control
            else None
        ),
        "probes": found.probes,
        "seconds": round(found.seconds, 1),
        "details": dict(found.details),
        "note": found.note,
    }


def _conclude(record: dict[str, Any], baseline: Run) -> None:
    """The union of all ranked findings and the baseline, and whether anything is open."""
    ranked = [f["states"] for f in record["findings"].values() if f["ranked"]]
    known: Mapping[str, bool | None] = record["baseline"]["states"]
    union = leaked_anywhere([known, *ranked])
    record["union"] = {
        "states": union,
        "score": bounds_record(of_facts("union", union)),
        "beyond": [fact for fact, state in union.items() if state and known.get(fact) is False],
    }
    record["n_open"] = sum(
        state is None for states in (known, *ranked) for state in states.values()
    )
    record["status"] = "open" if record["n_open"] else "complete"
