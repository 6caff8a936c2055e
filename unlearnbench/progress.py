"""Progress reports of everything that takes time.

Scoring, attacks and training call an `OnProgress` callback; the command line draws bars from the
reports, Python users may pass a function of their own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Unit = Literal["answers", "verdicts", "steps", "results", "facts"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of a call is done.

    Args:
        folder: The folder of the run or training; the same call resumes from there.
        unit: What is counted: answers of the model, verdicts of the judge, optimiser steps, results
            of an attack, or facts that were paraphrased.
        done: Units done so far.
        total: Units in all.
        part: The part under way: an attack, an arm and its step, a method. Empty for a score run.
        figures: The latest losses or rates, by name.
        text: The latest result in one line; empty if there is none.
    """

    folder: Path
    unit: Unit
    done: int
    total: int
    part: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
    text: str = ""


OnProgress = Callable[[Progress], None]
"""Called with each report in order; reports of verdicts come from another thread."""


def ignore(_: Progress) -> None:
    """A callback that does nothing."""


class Meter:
    """Counts the answers and verdicts of one run and reports them."""

    def __init__(self, folder: Path, total: int, on_progress: OnProgress, part: str = "") -> None:
        self._folder, self._total, self._part = folder, total, part
        self._on_progress = on_progress
        self._done: dict[Unit, int] = {"answers": 0, "verdicts": 0}
        for unit in self._done:
            self.advance(unit, 0)

    def advance(self, unit: Unit, count: int) -> None:
        """Report `count` more answers or verdicts."""
        self._done[unit] += count
        done = self._done[unit]
        self._on_progress(Progress(self._folder, unit, done, self._total, self._part))


class Together:
    """Adds up the answers and verdicts of parts that are under way at the same time."""

    def __init__(self, folder: Path, on_progress: OnProgress) -> None:
        self._folder, self._on_progress = folder, on_progress
        self._parts: dict[Unit, dict[str, tuple[int, int]]] = {}
        self._lock = threading.Lock()

    def __call__(self, report: Progress) -> None:
        """Report a part's progress as that of all parts; results as they are."""
        with self._lock:
            if report.unit == "results":
                self._on_progress(report)
                return
            parts = self._parts.setdefault(report.unit, {})
            parts[report.part] = (report.done, report.total)
            done, total = (sum(numbers) for numbers in zip(*parts.values(), strict=True))
            self._on_progress(Progress(self._folder, report.unit, done, total))
