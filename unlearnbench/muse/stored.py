"""Records of a series that an earlier call measured, so that they are not measured again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from unlearnbench.errors import RunError, UnreadableError
from unlearnbench.files.reading import read_json
from unlearnbench.muse.record import MUSE_SCHEMA, MuseRecord


def stored_records(path: Path) -> tuple[MuseRecord, ...]:
    """The records in a result file, none if there is no such file.

    Raises `RunError` for a file that holds something else, which a result would replace.
    """
    if not path.exists():
        return ()
    try:
        stored = read_json(path)
    except UnreadableError as error:
        raise RunError(f"--out {error}; it is no result of this command: name another") from error
    listed = stored if isinstance(stored, list) else [stored]
    try:
        return tuple(_record(one) for one in listed)
    except (ValidationError, ValueError) as error:
        what = "it is there and no result of this command; name another file"
        raise RunError(f"--out {path}: {what}") from error


def _record(stored: object) -> MuseRecord:
    names = {field.name for field in fields(MuseRecord)}
    if not isinstance(stored, dict) or stored.get("schema") != MUSE_SCHEMA:
        raise ValueError("no record of this version")
    if set(stored) != {"schema", *names}:
        raise ValueError("other fields")
    own = {name: stored[name] for name in names}
    return TypeAdapter(MuseRecord).validate_json(json.dumps(own), strict=True)


def measured_before(records: Sequence[MuseRecord], wanted: dict[str, str]) -> MuseRecord | None:
    """The record with these fields in which nothing is open."""
    return next(
        (
            record
            for record in records
            if not record.open and all(getattr(record, k) == v for k, v in wanted.items())
        ),
        None,
    )
