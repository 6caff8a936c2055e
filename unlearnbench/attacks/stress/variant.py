"""Run the protocol on a changed checkpoint, for stress tests that compare it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from unlearnbench.attacks.catalog import Scale
from unlearnbench.attacks.stress.base import Control, Finding, Subject
from unlearnbench.benchmark import Benchmark
from unlearnbench.engines.transformers.engine import ModelEngine
from unlearnbench.protocol.plan import Plan, make_plan
from unlearnbench.protocol.profiles import PROFILES
from unlearnbench.runs.run import Run
from unlearnbench.scoring.scores import leaked_on_any, of_facts
from unlearnbench.types import (
    Probe,
    PromptFormat,
    Sampling,
    Setting,
)


def protocol_plan(
    benchmark: Benchmark, scale: Scale, prompt_format: PromptFormat, seed: int
) -> Plan:
    """Forget facts in both contexts of the protocol, never-known ones in the plain context."""
    per_style = None if scale.name == "full" else 1
    profile = replace(PROFILES["standard"], splits=("forget", "never"), per_style=per_style)
    plan = make_plan(benchmark, profile, prompt_format, seed, scale.limit)
    return Plan(tuple(p for p in plan.probes if p.split == "forget" or p.key.context == "plain"))


def ask_changed(
    name: str, subject: Subject, change: Mapping[str, Setting], make: Callable[[], ModelEngine]
) -> Finding:
    """Run the protocol on a changed model, which `make` gives if answers are missing."""
    began = time.monotonic()
    plan = protocol_plan(subject.benchmark, subject.scale, subject.prompt_format, subject.seed)
    made: list[ModelEngine] = []

    def engine() -> ModelEngine:
        made.append(make())
        return made[0]

    state = {**subject.state, **change}
    run = subject.runner.ask(subject.folder / name, plan.probes, engine, state)
    for used in made:
        used.release()
    return finding(name, run, subject, time.monotonic() - began)


def ask_variant(
    name: str, probes: Sequence[Probe], subject: Subject, made: str, new_tokens: int = 50
) -> Finding:
    """One run of probes put to the unchanged model, with its control."""
    if not probes:
        return Finding(name, note="the benchmark has no such form")
    began = time.monotonic()
    folder = subject.folder / name
    state = {**subject.state, "texts": made}
    run = subject.runner.ask(folder, probes, subject.engine, state, Sampling(new_tokens))
    return finding(name, run, subject, time.monotonic() - began)


def finding(name: str, run: Run, subject: Subject, seconds: float) -> Finding:
    """The share of forget facts that leak on any probe of a run, and its control.

    The control are the never-known facts asked the same way; where the run asks none, the run's
    own answers judged against other facts' answers.
    """
    return Finding(
        name,
        leaked_on_any(o for o in run.outcomes if o.split == "forget"),
        control=control(name, run, subject),
        probes=len(run.probes),
        seconds=seconds,
    )


def control(name: str, run: Run, subject: Subject) -> Control | None:
    """See `finding`."""
    never = leaked_on_any(o for o in run.outcomes if o.split == "never")
    if never:
        return Control("never-known facts", of_facts(name, never))
    shuffled_run = subject.runner.ask_shuffled(run, run.path.with_name(f"{run.path.name}-shuffled"))
    return Control("other facts' answers", of_facts(name, leaked_on_any(shuffled_run.outcomes)))
