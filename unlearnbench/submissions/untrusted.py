"""Read what a stranger sent: bounded, strict JSON, and nothing outside the folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from unlearnbench import reading
from unlearnbench.errors import UnreadableError

MOST_ENTRIES = 40
"""Files and folders of what is sent."""
MOST_FILE_BYTES = 64 * 1024 * 1024
"""Of a single file; a `standard` run of the largest benchmark that ships is a tenth of it."""
MOST_LINE_BYTES = 256 * 1024
"""Of a line of JSONL."""
MOST_SENT_DEPTH = 24
"""How deep JSON may be nested."""


@dataclass(frozen=True)
class Refusal(Exception):
    """Why a submission is refused: a stable code, the place, and the reason in words."""

    code: str
    where: str
    what: str

    def __str__(self) -> str:
        """For people."""
        return f"{self.where}: {self.code}: {self.what}"


def tree(folder: Path, allowed: frozenset[str]) -> dict[str, Path]:
    """Every file below `folder` by its name with slashes; no link is followed.

    Raises `Refusal` for a file that does not belong, anything but plain files and folders, or too
    much of either.
    """
    files: dict[str, Path] = {}
    seen = 0
    for name, entry in _walk(folder, ""):
        seen += 1
        if seen > MOST_ENTRIES:
            raise Refusal("too-many-files", name, f"more than {MOST_ENTRIES} entries")
        mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISLNK(mode):
            raise Refusal("link", name, "links are not followed; give the file itself")
        if stat.S_ISDIR(mode):
            if not any(other.startswith(f"{name}/") for other in allowed):
                raise Refusal("unknown-folder", name, "no such folder belongs to a submission")
            continue
        if not stat.S_ISREG(mode):
            raise Refusal("not-a-file", name, "neither a plain file nor a folder")
        if name not in allowed:
            raise Refusal("unknown-file", name, "no such file belongs to a submission")
        size = entry.stat(follow_symlinks=False).st_size
        if size > MOST_FILE_BYTES:
            raise Refusal("too-large", name, f"{size} bytes, at most {MOST_FILE_BYTES}")
        files[name] = Path(entry.path)
    return files


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            name = f"{prefix}{entry.name}"
            yield name, entry
            if entry.is_dir(follow_symlinks=False) and prefix == "":
                yield from _walk(Path(entry.path), f"{name}/")
            elif entry.is_dir(follow_symlinks=False):
                raise Refusal("unknown-folder", name, "folders are one deep")


def read_sent(path: Path, name: str) -> bytes:
    """A file's bytes, without following a link that took its place. Raises `Refusal`."""
    try:
        return reading.read_bytes(path, MOST_FILE_BYTES, follow=False)
    except UnreadableError as error:
        raise Refusal(error.code, name, error.what) from error


def parse_sent(data: bytes, name: str) -> JsonValue:
    """Strict JSON: UTF-8, no NaN, no doubled name, bounded depth and numbers. Raises `Refusal`."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refusal("not-utf-8", name, f"byte {error.start}") from error
    try:
        value: JsonValue = reading.parse_json(text, name, depth=MOST_SENT_DEPTH)
        return value
    except UnreadableError as error:
        raise Refusal(error.code, name, error.what[:120]) from error


def parse_lines(data: bytes, name: str) -> Iterator[tuple[str, JsonValue]]:
    """(place, object) of each line of a JSONL file; every line is whole. Raises `Refusal`."""
    if data and not data.endswith(b"\n"):
        raise Refusal("torn-line", name, "the last line has no end")
    for number, line in enumerate(data.split(b"\n")[:-1], start=1):
        where = f"{name}:{number}"
        if len(line) > MOST_LINE_BYTES:
            raise Refusal("long-line", where, f"{len(line)} bytes, at most {MOST_LINE_BYTES}")
        yield where, parse_sent(line, where)
