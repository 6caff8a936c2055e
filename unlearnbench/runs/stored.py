"""A score run, read back for a use: its `run.json` is checked for what that use needs."""

from __future__ import annotations

from pathlib import Path

from unlearnbench.runs.manifest import Answered, Finished, Judged, check_manifest
from unlearnbench.runs.run import Run, load_run


def load_judged(path: str | Path) -> Run:
    """A score run to be shown or compared. Raises `RunError` if it is none, or damaged."""
    return _load(path, Judged)


def load_answered(path: str | Path) -> Run:
    """A score run to be judged again. Raises `RunError` if it is none, or damaged."""
    return _load(path, Answered)


def load_finished(path: str | Path) -> Run:
    """A score run to be submitted. Raises `RunError` if it is none, was cut off, or is damaged."""
    return _load(path, Finished)


def _load(path: str | Path, shape: type[Judged | Answered | Finished]) -> Run:
    run = load_run(path)
    check_manifest(shape, run.manifest, run.path)
    return run
