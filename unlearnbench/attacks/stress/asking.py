"""Carry planned runs out: put their probes to a model, as it is or changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from unlearnbench.attacks.stress.base import Loadable, Subject
from unlearnbench.attacks.stress.findings import Finding
from unlearnbench.attacks.stress.planned import PlannedRun
from unlearnbench.engines.transformers.engine import ModelEngine
from unlearnbench.interfaces import Generator
from unlearnbench.types import Setting

A = TypeVar("A")


def ask_unchanged(planned: PlannedRun, subject: Subject) -> Finding:
    """What a planned run finds on the unchanged model."""
    if subject.crew is not None:
        return _by_worker(planned, subject, {}, unchanged)
    return _carry_out(planned, subject, subject.engine, {})


def ask_each(
    ask: Callable[[A], Finding], planned: Sequence[A], subject: Subject
) -> Iterator[Finding]:
    """What `ask` finds by planned runs, in their order; several at a time where there is a crew."""
    return map(ask, planned) if subject.crew is None else subject.crew.map(ask, planned)


def ask_changed(
    planned: PlannedRun,
    subject: Subject,
    change: Mapping[str, Setting],
    make: Callable[[Loadable], ModelEngine],
) -> Finding:
    """What a planned run finds on a changed model, which `make` gives if answers are missing.

    `make` may be called in a worker, so it must travel there.
    """
    if subject.crew is not None:
        return _by_worker(planned, subject, change, make)
    made: list[ModelEngine] = []

    def engine() -> ModelEngine:
        made.append(make(subject))
        return made[0]

    try:
        return _carry_out(planned, subject, engine, change)
    finally:
        for used in made:
            used.release()


def unchanged(models: Loadable) -> Generator:
    """The model as it is."""
    return models.engine()


def _by_worker(
    planned: PlannedRun,
    subject: Subject,
    change: Mapping[str, Setting],
    make: Callable[[Loadable], Generator],
) -> Finding:
    assert subject.crew is not None
    return subject.crew.unit(
        planned.door,
        lambda lease: _carry_out(planned, subject, partial(lease.engine, make), change),
    )


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
