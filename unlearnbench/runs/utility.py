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


def utility_of(folder: Path) -> UtilityRecord | None:
    """The utility that was measured beside a run; None if it was not. Raises `RunError`."""
    path = folder / UTILITY_FILE
    return read_utility(path) if path.exists() else None
