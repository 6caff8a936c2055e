"""Progress bars on stderr, drawn from `Progress` reports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnbench.cli.output import stderr
from unlearnbench.environment import this_process
from unlearnbench.progress import OnProgress, Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

LAST_RUN: list[Path] = []
"""The folder that this process last worked in, if any; for the message after a crash."""


@contextmanager
def progress(quiet: bool) -> Iterator[OnProgress]:
    """Draw a bar for each unit that is counted, with rate or figures and the time left.

    Yields the callback that draws. If `quiet`, it only records the folder of the work.
    """
    quiet = quiet or not this_process().first
    bars = _bars(quiet)
    tasks = {}

    def on_progress(report: Progress) -> None:
        LAST_RUN[:] = [report.folder]
        if quiet:
            return
        bars.start()
        if report.text:
            bars.console.print(report.text, soft_wrap=True)
        if report.unit not in tasks:
            tasks[report.unit] = bars.add_task(report.unit, total=report.total, part="", about="")
        task = tasks[report.unit]
        if bars.tasks[task].fields["part"] != report.part and report.unit != "results":
            bars.reset(task, part=report.part, about="")
        bars.update(task, completed=report.done, total=report.total)
        speed = bars.tasks[task].finished_speed or bars.tasks[task].speed
        about = ", ".join(f"{name} {value:.3f}" for name, value in _figures(report))
        bars.update(task, about=about or (f"{speed:.1f}/s" if speed else ""))

    try:
        yield on_progress
    finally:
        if bars.live.is_started:  # stopping others would print an empty line
            bars.stop()


def _figures(report: Progress) -> Iterator[tuple[str, float]]:
    """The figures that are shown beside a bar."""
    names = ("forget", "retain") if report.unit == "steps" else ()
    return ((name, report.figures[name]) for name in names if name in report.figures)


def _bars(quiet: bool) -> Bars:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars

    return Bars(
        TextColumn("{task.description:8}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("{task.fields[about]}", markup=False),
        TextColumn("left"),
        TimeRemainingColumn(compact=True, elapsed_when_finished=False),
        TimeElapsedColumn(),
        TextColumn("{task.fields[part]}", markup=False),
        console=stderr(),
        disable=quiet,
    )
