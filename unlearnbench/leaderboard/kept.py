"""Rows remembered between builds, by the sha256 of their SHA256SUMS.

A row is taken from its file only if nothing of the submission or its attestations has changed and
the file is as this version wrote it; anything else is verified anew.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from unlearnbench.errors import UnreadableError
from unlearnbench.files.disk import clear_leftovers, write_atomically, writing
from unlearnbench.files.reading import read_object
from unlearnbench.hashing import sha256_bytes, sha256_json
from unlearnbench.leaderboard.entry import (
    ROW_VERSION,
    Entry,
    JsonObject,
    RefusedEntry,
    entry_from,
)
from unlearnbench.submissions.attestations import attestation_folders, attestations_of
from unlearnbench.submissions.layout import SUMS

Stamp = list[tuple[str, str, int, int]]
MOST_SUMS = 10_000
"""Most bytes of a SHA256SUMS; one that is larger does not belong to a valid submission."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored row, and the anchors of its benchmark."""

    entry: Entry | RefusedEntry
    anchors: tuple[Entry, ...]


class Store:
    """A folder of stored rows; without a folder nothing is stored."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def read(self, submission: Path) -> Kept | None:
        """The stored row of a submission, or None if it is missing or outdated."""
        path = self._path(submission)
        if path is None or not path.is_file():
            return None
        try:
            record = read_object(path, lenient=True)
            if record.pop("sum", None) != sha256_json(record):
                return None
            if record["version"] != ROW_VERSION or _stamps(record["files"]) != stamp(submission):
                return None
            anchors = tuple(_anchor(row) for row in record["anchors"])
            return Kept(entry_from(record["row"]), anchors)
        except (UnreadableError, KeyError, ValidationError):
            return None

    def write(self, submission: Path, row: Kept) -> None:
        """Store a row. Raises `RunError` if it cannot be written."""
        path = self._path(submission)
        if path is None:
            return
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            clear_leftovers(path.parent, path.name)
        record: JsonObject = {
            "version": ROW_VERSION,
            "row": row.entry.to_json(),
            "files": [list(file) for file in stamp(submission)],
            "anchors": [anchor.to_json() for anchor in row.anchors],
        }
        record["sum"] = sha256_json(record)
        write_atomically(path, json.dumps(record, ensure_ascii=False))

    def _path(self, submission: Path) -> Path | None:
        """The file of a stored row; None if its SHA256SUMS cannot be used as its name."""
        sums = submission / SUMS
        plain = not submission.is_symlink() and not sums.is_symlink() and sums.is_file()
        if self._folder is None or not plain or sums.stat().st_size >= MOST_SUMS:
            return None
        return self._folder / f"{sha256_bytes(sums.read_bytes())}.json"


def stamp(submission: Path) -> Stamp:
    """Folder, name, size and time of each file of a submission and of its attestations."""
    folders = (submission, *attestation_folders(attestations_of(submission)))
    return [
        (folder.name, str(p.relative_to(folder)), p.lstat().st_size, p.lstat().st_mtime_ns)
        for folder in folders
        for p in ([] if folder.is_symlink() else sorted(folder.rglob("*")))
    ]


def _stamps(value: object) -> Stamp:
    return TypeAdapter(Stamp).validate_python(value)


def _anchor(row: JsonObject) -> Entry:
    entry = entry_from(row)
    assert isinstance(entry, Entry)
    return entry
