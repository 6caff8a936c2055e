"""The protocol itself, put to a checkpoint that was changed: what a stress test compares."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from unlearnbench.benchmark import Benchmark
from unlearnbench.engines.transformers.engine import ModelEngine
from unlearnbench.protocol.plan import Plan, make_plan
from unlearnbench.protocol.profiles import PROFILES
from unlearnbench.stress.base import Finding, Scale, Subject
from unlearnbench.stress.formats import finding
from unlearnbench.types import PromptFormat, Setting


def protocol_plan(
    benchmark: Benchmark, scale: Scale, prompt_format: PromptFormat, seed: int
) -> Plan:
    """Forget facts as the protocol asks them, both ways, and never-known ones plainly."""
    per_style = None if scale.name == "full" else 1
    profile = replace(PROFILES["standard"], splits=("forget", "never"), per_style=per_style)
    whole = make_plan(benchmark, profile, prompt_format, seed, scale.limit)
    return Plan(tuple(p for p in whole.probes if p.split == "forget" or p.key.context == "plain"))


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
    run = subject.asker.ask(subject.folder / name, plan.probes, engine, state)
    for used in made:
        used.release()
    return finding(name, run, subject, time.monotonic() - began)
