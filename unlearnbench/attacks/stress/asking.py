"""Carry planned runs out: put their probes to a model, as it is or changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from unlearnbench.attacks.stress.base import Subject
from unlearnbench.attacks.stress.findings import Finding
from unlearnbench.attacks.stress.planned import PlannedRun
from unlearnbench.engines.transformers.engine import ModelEngine
from unlearnbench.interfaces import Generator
from unlearnbench.types import Setting


def ask_unchanged(planned: PlannedRun, subject: Subject) -> Finding:
    """What a planned run finds on the unchanged model."""
    return _carry_out(planned, subject, subject.engine, {})


def ask_changed(
    planned: PlannedRun,
    subject: Subject,
    change: Mapping[str, Setting],
    make: Callable[[], ModelEngine],
) -> Finding:
    """What a planned run finds on a changed model, which `make` gives if answers are missing."""
    made: list[ModelEngine] = []

    def engine() -> ModelEngine:
        made.append(make())
        return made[0]

    try:
        return _carry_out(planned, subject, engine, change)
    finally:
        for used in made:
            used.release()


def _carry_out(
    planned: PlannedRun,
    subject: Subject,
    engine: Callable[[], Generator],
    change: Mapping[str, Setting],
) -> Finding:
    began = time.monotonic()
    judge = planned.judge
    runner = subject.runner if judge is None else replace(subject.runner, judge=judge)
    state = {**subject.state, **change, **({"texts": planned.texts} if planned.texts else {})}
    folder = subject.folder / planned.folder
    run = runner.ask(folder, planned.probes, engine, state, planned.sampling)
    control = None
    if planned.is_shuffled:
        control = runner.ask_shuffled(run, folder.with_name(f"{folder.name}-shuffled"))
    return replace(planned.finding(run, control), seconds=time.monotonic() - began)
