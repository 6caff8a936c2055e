"""Read and write the records of attacks; needs no model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnbench.errors import RunError, UnreadableError
from unlearnbench.files.disk import write_atomically
from unlearnbench.files.reading import read_object

if TYPE_CHECKING:
    from unlearnbench.runs.schema import (
        FinishedRelearn,
        FinishedStress,
        RelearnRecord,
        StressRecord,
    )

STRESS = "stress.json"
RELEARN = "relearn.json"
_CALLED = {STRESS: "stress tests", RELEARN: "relearning"}


def attack_kind(folder: Path) -> str | None:
    """`relearn` or `stress` if the folder is such a run, else None."""
    present = (name for name in (RELEARN, STRESS) if (folder / name).is_file())
    return next((Path(name).stem for name in present), None)


def read_stress(folder: Path) -> StressRecord:
    """`stress.json` of a folder, finished or not. Raises `RunError` if it is damaged."""
    from unlearnbench.runs.schema import StressRecord

    return StressRecord.from_disk(_object(folder / STRESS), folder / STRESS)


def read_relearn(folder: Path) -> RelearnRecord:
    """`relearn.json` of a folder, finished or not. Raises `RunError` if it is damaged."""
    from unlearnbench.runs.schema import RelearnRecord

    return RelearnRecord.from_disk(_object(folder / RELEARN), folder / RELEARN)


def read_finished(folder: Path, kind: str) -> FinishedStress | FinishedRelearn:
    """The record of a finished attack. Raises `RunError` for an unfinished one."""
    from unlearnbench.runs.schema import FinishedRelearn, FinishedStress

    path = folder / f"{kind}.json"
    data = _object(path)
    shape = FinishedRelearn if kind == "relearn" else FinishedStress
    if data.get("kind") == kind and data.get("status") == "running":
        raise RunError(f"{path}: it was not finished; give the same command again to go on")
    return shape.from_disk(data, path)


def write_attack(folder: Path, record: StressRecord | RelearnRecord) -> None:
    """Replace a folder's record as a whole."""
    text = json.dumps(record.to_disk(), indent=1)
    write_atomically(folder / f"{record.kind}.json", text + "\n")


def _object(path: Path) -> dict[str, object]:
    try:
        return read_object(path, lenient=True)
    except UnreadableError as error:
        raise RunError(f"{path}: not a record of {_CALLED[path.name]} ({error.what})") from error
