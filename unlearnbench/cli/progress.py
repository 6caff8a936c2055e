"""What several commands share: progress, logging, the consoles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnbench.cli.output import stderr
from unlearnbench.types import Stage

if TYPE_CHECKING:
    pass

LAST_RUN: list[Path] = []
"""Folders of the runs that this process began, the latest last; for the last words of a crash."""

_BARS: dict[Stage, str] = {"generate": "answers ", "judge": "verdicts"}


@contextmanager
def progress(quiet: bool) -> Iterator[Callable[[Path, int], Callable[[Stage, int], None]]]:
    """A bar on stderr with rate and time left; yields an `Observe` callback."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TextColumn("left"),
        TimeRemainingColumn(compact=True, elapsed_when_finished=False),
        TimeElapsedColumn(),
        console=stderr(),
        disable=quiet,
    )

    def observe(path: Path, total: int) -> Callable[[Stage, int], None]:
        LAST_RUN.append(path)
        tasks = {s: bar.add_task(name, total=total, rate="") for s, name in _BARS.items()}
        bar.start()

        def advance(stage: Stage, done: int) -> None:
            task = tasks[stage]
            bar.advance(task, done)
            speed = bar.tasks[task].finished_speed or bar.tasks[task].speed
            bar.update(task, rate=f"{speed:.1f}/s" if speed else "")

        return advance

    try:
        yield observe
    finally:
        bar.stop()


@contextmanager
def steps_bar(quiet: bool, title: str) -> Iterator[Callable[[int, int, Mapping[str, float]], None]]:
    """A bar on stderr for optimiser steps with the latest losses; yields a `Report` callback."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[losses]}"),
        TextColumn("left"),
        TimeRemainingColumn(compact=True),
        console=stderr(),
        disable=quiet,
    )
    task = bar.add_task(title, total=None, losses="")

    def report(step: int, steps: int, figures: Mapping[str, float]) -> None:
        bar.start()
        shown = [f"{name} {figures[name]:.3f}" for name in ("forget", "retain") if name in figures]
        bar.update(task, completed=step, total=steps, losses=", ".join(shown))

    try:
        yield report
    finally:
        bar.stop()


@contextmanager
def asked_bar(
    quiet: bool,
) -> Iterator[tuple[Callable[[Stage, int], None], Callable[[str], None]]]:
    """A count of answers on stderr where their number is not known beforehand.

    Yields an `Advance` callback and one that says a line above the count.
    """
    from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = stderr()
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=quiet,
    )
    tasks = {stage: bar.add_task(name, total=None) for stage, name in _BARS.items()}

    def advance(stage: Stage, done: int) -> None:
        bar.start()
        bar.advance(tasks[stage], done)

    def say(text: str) -> None:
        if not quiet:
            console.print(text)

    try:
        yield advance, say
    finally:
        bar.stop()
