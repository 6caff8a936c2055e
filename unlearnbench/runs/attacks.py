"""The records that attacks on a checkpoint leave behind, read back without loading a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from unlearnbench.errors import RunError

STRESS = "stress.json"
RELEARN = "relearn.json"


def read_stress(folder: Path) -> dict[str, Any]:
    """`stress.json` of a folder. Raises `RunError` if it is missing or damaged."""
    return _read(folder / STRESS, "stress", "stress tests")


def read_relearn(folder: Path) -> dict[str, Any]:
    """`relearn.json` of a folder. Raises `RunError` if it is missing or damaged."""
    return _read(folder / RELEARN, "relearn", "relearning")


def attack_kind(folder: Path) -> str | None:
    """`relearn` or `stress` if the folder is such a run, else None."""
    found = (name for name in (RELEARN, STRESS) if (folder / name).is_file())
    return next((Path(name).stem for name in found), None)


def read_attack(folder: Path, kind: str) -> dict[str, Any]:
    """The record of a folder of that kind. Raises `RunError` as the two readers do."""
    return read_relearn(folder) if kind == "relearn" else read_stress(folder)


def _read(path: Path, kind: str, what: str) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: not a record of {what} ({error})") from error
    if not isinstance(record, dict):
        raise RunError(f"{path}: not a record of {what} (not an object)")
    if record.get("kind") != kind or record.get("schema_version") != 1:
        raise RunError(f"{path}: not a record of {what} that this version reads")
    return record
