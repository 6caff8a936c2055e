"""The records that attacks on a checkpoint leave behind, read back without loading a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unlearnbench.errors import RunError, UnreadableError
from unlearnbench.reading import read_object

STRESS = "stress.json"
RELEARN = "relearn.json"
_CALLED = {"stress": "stress tests", "relearn": "relearning"}


def read_stress(folder: Path) -> dict[str, Any]:
    """`stress.json` of a folder, to go on with it. Raises `RunError` if it is damaged."""
    from unlearnbench.runs.schema import StressRecord, shaped

    record = read_attack(folder, "stress")
    shaped(StressRecord, record, folder / STRESS)
    return record


def read_relearn(folder: Path) -> dict[str, Any]:
    """`relearn.json` of a folder, to go on with it. Raises `RunError` if it is damaged."""
    from unlearnbench.runs.schema import RelearnRecord, shaped

    record = read_attack(folder, "relearn")
    shaped(RelearnRecord, record, folder / RELEARN)
    return record


def attack_kind(folder: Path) -> str | None:
    """`relearn` or `stress` if the folder is such a run, else None."""
    found = (name for name in (RELEARN, STRESS) if (folder / name).is_file())
    return next((Path(name).stem for name in found), None)


def read_attack(folder: Path, kind: str) -> dict[str, Any]:
    """The record of a folder of that kind, which need not be whole.

    Raises `RunError` if it is missing, damaged, or does not say what it belongs to.
    """
    path, what = folder / f"{kind}.json", _CALLED[kind]
    try:
        record = read_object(path, own=True)
    except UnreadableError as error:
        raise RunError(f"{path}: not a record of {what} ({error.what})") from error
    if record.get("kind") != kind or record.get("schema_version") != 1:
        raise RunError(f"{path}: not a record of {what} that this version reads")
    identity = record.get("identity")
    if not isinstance(identity, dict) or not isinstance(identity.get("checkpoint"), str):
        raise RunError(f"{path}: not a record of {what} (identity.checkpoint is missing)")
    return record


def read_finished(folder: Path, kind: str) -> dict[str, Any]:
    """A record that an attack has summed up. Raises `RunError` for one that was cut off before."""
    from unlearnbench.runs.schema import FinishedRelearn, FinishedStress, shaped

    record = read_attack(folder, kind)
    path = folder / f"{kind}.json"
    if record.get("status") == "running":
        raise RunError(f"{path}: it was not finished; give the same command again to go on")
    shaped(FinishedRelearn if kind == "relearn" else FinishedStress, record, path)
    return record
