"""A score run, read back for a use: its `run.json` is checked for what that use needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from unlearnbench.runs.run import Run, load_run

if TYPE_CHECKING:
    from unlearnbench.runs.schema.run import Purpose


def load_judged(path: str | Path) -> Run:
    """A score run to be shown or compared. Raises `RunError` if it is none, or damaged."""
    return _load(path, "shown")


def load_answered(path: str | Path) -> Run:
    """A score run to be judged again. Raises `RunError` if it is none, or damaged."""
    return _load(path, "judged again")


def load_finished(path: str | Path) -> Run:
    """A score run to be submitted. Raises `RunError` if it is none, was cut off, or is damaged."""
    return _load(path, "submitted")


def _load(path: str | Path, purpose: Purpose) -> Run:
    run = load_run(path)
    run.record.check(purpose, run.path)
    return run
