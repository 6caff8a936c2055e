"""`utility.json`, alone or in the folder of a run: written and read back."""

from __future__ import annotations

import json
from pathlib import Path

from unlearnbench.errors import RunError, UnreadableError
from unlearnbench.files.disk import clear_leftovers, write_atomically
from unlearnbench.files.reading import read_object
from unlearnbench.runs.schema.utility import UtilityRecord

UTILITY_FILE = "utility.json"
"""Its name in the folder of a run."""


def write_utility(record: UtilityRecord, path: Path) -> None:
    """Write a record, whole or not at all. Raises `RunError` if the disk refuses."""
    clear_leftovers(path.parent, path.name)
    write_atomically(path, json.dumps(record.to_disk()) + "\n")


def read_utility(path: Path) -> UtilityRecord:
    """A record of a file. Raises `RunError` for what is none."""
    try:
        return UtilityRecord.from_disk(read_object(path, lenient=True), path)
    except UnreadableError as error:
        raise RunError(f"{error}; make it with unlearnbench utility --out") from error


def utility_of(folder: Path, checkpoint: str | None = None) -> UtilityRecord | None:
    """The utility that was measured beside a run; None if it was not.

    Raises `RunError` for a damaged file, and for one about another `checkpoint` (a fingerprint).
    """
    path = folder / UTILITY_FILE
    if not path.exists():
        return None
    record = read_utility(path)
    measured = record.model.fingerprint
    if checkpoint is not None and measured != checkpoint:
        raise RunError(
            f"{path}: measured of another checkpoint ({measured[:8]}, not {checkpoint[:8]}); move "
            "it away"
        )
    return record
