"""Rows remembered between builds, by the sha256 of their SHA256SUMS.

A row is taken from its file only if nothing of the submission, its attestations, its base or this
version's rules has changed, and the file is as this version wrote it; anything else is verified
anew.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypedDict

import numpy as np
from pydantic import TypeAdapter

from unlearnbench.errors import UnreadableError
from unlearnbench.files.disk import clear_leftovers, write_atomically, writing
from unlearnbench.files.reading import read_bytes
from unlearnbench.hashing import sha256_bytes
from unlearnbench.leaderboard.entry import (
    ROW_VERSION,
    Entry,
    JsonObject,
    Questions,
    RefusedEntry,
    entry_from,
    questions_of,
)
from unlearnbench.submissions.attestations import attestation_folders, attestations_of
from unlearnbench.submissions.copies import Fingerprinted, RowAnswers
from unlearnbench.submissions.layout import SUMS
from unlearnbench.submissions.utility_copies import UtilityPrint

Stamp = list[tuple[str, str, int, int]]
MOST_BYTES = 50_000_000
"""Most bytes of a stored row."""
_SEAL = b', "sum": "'
MOST_SUMS = 10_000
"""Most bytes of a SHA256SUMS; one that is larger does not belong to a valid submission."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored row, the anchors of its benchmark, and what tells whether it is a copy."""

    entry: Entry | RefusedEntry
    anchors: tuple[Entry, ...] = ()
    fingerprinted: Fingerprinted | None = None


class _Record(TypedDict):
    """A stored row as JSON, without its sum."""

    version: int
    context: str
    row: JsonObject
    files: list[list[str | int]]
    anchors: list[JsonObject]
    answers: JsonObject | None


class Store:
    """A folder of stored rows; without a folder nothing is stored.

    `context` is the digest of all that a row depends on and that is not in its folder.
    """

    def __init__(self, folder: Path | None, context: str) -> None:
        self._folder = folder
        self._context = context
        self._anchors: dict[Questions, tuple[Entry, ...]] = {}

    def read(self, submission: Path) -> Kept | None:
        """The stored row of a submission, or None if it is missing or outdated."""
        path = self._path(submission)
        if path is None or not path.is_file():
            return None
        try:
            record = _record(read_bytes(path, MOST_BYTES))
            if record["version"] != ROW_VERSION or record["context"] != self._context:
                return None
            if _stamps(record["files"]) != stamp(submission):
                return None
            entry = entry_from(record["row"])
            return Kept(entry, self._anchors_of(entry, record), _fingerprinted(record["answers"]))
        except (UnreadableError, KeyError, TypeError, ValueError, RecursionError):
            return None

    def _anchors_of(self, entry: Entry | RefusedEntry, record: _Record) -> tuple[Entry, ...]:
        """The anchors of a row's questions, parsed once: those of one context are all the same."""
        if isinstance(entry, RefusedEntry) or not record["anchors"]:
            return ()
        asked = questions_of(entry.claim)
        if asked not in self._anchors:
            self._anchors[asked] = tuple(_anchor(row) for row in record["anchors"])
        return self._anchors[asked]

    def write(self, submission: Path, row: Kept) -> None:
        """Store a row. Raises `RunError` if it cannot be written."""
        path = self._path(submission)
        if path is None:
            return
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            clear_leftovers(path.parent, path.name)
        record: _Record = {
            "version": ROW_VERSION,
            "context": self._context,
            "row": row.entry.to_json(),
            "files": [list(file) for file in stamp(submission)],
            "anchors": [anchor.to_json() for anchor in row.anchors],
            "answers": _stored(row.fingerprinted),
        }
        write_atomically(path, _sealed(record))

    def _path(self, submission: Path) -> Path | None:
        """The file of a stored row; None if its SHA256SUMS cannot be used as its name."""
        if self._folder is None or submission.is_symlink():
            return None
        try:
            sums = read_bytes(submission / SUMS, MOST_SUMS, follow=False)
        except UnreadableError:
            return None
        return self._folder / f"{sha256_bytes(sums)}.json"


def _sealed(record: _Record) -> bytes:
    """A record as JSON that ends with the sha256 of all that stands before it."""
    body = json.dumps(record, ensure_ascii=False).encode("utf-8", "backslashreplace")[:-1]
    return body + _SEAL + sha256_bytes(body).encode("ascii") + b'"}'


def _record(data: bytes) -> _Record:
    """The record in a stored file. Raises `ValueError` if it is not as it was written.

    The sum is taken over the bytes, so that nothing is parsed that this program did not write.
    """
    body, _, end = data.rpartition(_SEAL)
    if end != sha256_bytes(body).encode("ascii") + b'"}':
        raise ValueError("a stored row that was changed")
    record: _Record = json.loads(body + b"}")
    return record


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


def _stored(row: Fingerprinted | None) -> JsonObject | None:
    if row is None:
        return None
    return {
        "id": row.id,
        "benchmark": row.benchmark,
        "checkpoint": row.checkpoint,
        "submitter": row.submitter,
        "created": row.created.isoformat(),
        **_stored_answers(row.answers),
        "utility": _stored_utility(row.utility),
    }


def _stored_answers(answers: RowAnswers) -> JsonObject:
    return {
        "hashes": base64.b64encode(answers.hashes.astype("<u4").tobytes()).decode("ascii"),
        "own": base64.b64encode(np.packbits(answers.own).tobytes()).decode("ascii"),
        "standard": answers.standard,
    }


def _stored_utility(utility: UtilityPrint | None) -> JsonObject | None:
    if utility is None:
        return None
    return {
        "letters": utility.letters.tolist(),
        "choices": utility.choices.tolist(),
        "prose": utility.prose.tolist(),
        **_stored_answers(utility.answers),
    }


def _fingerprinted(stored: JsonObject | None) -> Fingerprinted | None:
    if stored is None:
        return None
    utility = stored["utility"]
    return Fingerprinted(
        id=str(stored["id"]),
        benchmark=str(stored["benchmark"]),
        checkpoint=str(stored["checkpoint"]),
        submitter=str(stored["submitter"]),
        created=datetime.fromisoformat(str(stored["created"])),
        answers=_answers(stored),
        utility=_utility(utility) if isinstance(utility, dict) else None,
    )


def _answers(stored: JsonObject) -> RowAnswers:
    hashes = np.frombuffer(base64.b64decode(str(stored["hashes"])), dtype="<u4")
    bits = np.frombuffer(base64.b64decode(str(stored["own"])), dtype=np.uint8)
    own = np.unpackbits(bits, count=len(hashes)).astype(np.bool_)
    return RowAnswers(hashes.astype(np.uint32), own, int(str(stored["standard"])))


def _utility(stored: JsonObject) -> UtilityPrint:
    letters, choices, prose = (
        np.array(stored[part], dtype=np.float64) for part in ("letters", "choices", "prose")
    )
    return UtilityPrint(letters, choices, prose, _answers(stored))
