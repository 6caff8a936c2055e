"""Read untrusted folders: bounded, strict JSON, and nothing outside the folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from unlearnbench.display import visible_line
from unlearnbench.errors import UnreadableError
from unlearnbench.files import reading

MOST_ENTRIES = 40
"""Most files and folders of a submission."""
MOST_FILE_BYTES = 64 * 1024 * 1024
"""Most bytes of a file; a `standard` run of the largest shipped benchmark takes a tenth."""
MOST_CLAIM_BYTES = 1024 * 1024
"""Most bytes of a claim."""
MOST_LINE_BYTES = 256 * 1024
"""Most bytes of a line of JSONL."""
MOST_SENT_DEPTH = 24
"""Deepest nesting of JSON."""


@dataclass(frozen=True)
class Refusal(Exception):
    """Why a submission is refused: a stable code, the place, and the reason in words."""

    code: str
    where: str
    what: str

    def __str__(self) -> str:
        """The refusal in one line, whatever a stranger's file is called."""
        return visible_line(f"{self.where}: {self.code}: {self.what}")

    def __reduce__(self) -> tuple[type[Refusal], tuple[str, str, str]]:
        """A frozen exception has to be made anew, not changed, where it is unpickled."""
        return Refusal, (self.code, self.where, self.what)


def tree(folder: Path, allowed: frozenset[str]) -> dict[str, Path]:
    """Every file below `folder` by its relative name with slashes; links are not followed.

    Raises `Refusal` for an unknown file, for anything but plain files and folders, and for too many
    or too large ones.
    """
    files: dict[str, Path] = {}
    n_entries = 0
    for name, entry in _walk(folder, ""):
        n_entries += 1
        if n_entries > MOST_ENTRIES:
            raise Refusal("too-many-files", name, f"more than {MOST_ENTRIES} entries")
        mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISLNK(mode):
            raise Refusal("link", name, "links are not followed; give the file itself")
        if stat.S_ISDIR(mode):
            if not any(file.startswith(f"{name}/") for file in allowed):
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


def read_sent(path: Path, name: str, most: int = MOST_FILE_BYTES) -> bytes:
    """A file's bytes; a link in its place is not followed. Raises `Refusal`."""
    try:
        return reading.read_bytes(path, most, follow=False)
    except UnreadableError as error:
        raise Refusal(error.code, name, error.what) from error


def parse_sent(data: bytes, name: str) -> JsonValue:
    """Strict JSON: UTF-8, no NaN, unique names, bounded depth and numbers. Raises `Refusal`."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refusal("not-utf-8", name, f"byte {error.start}") from error
    try:
        value: JsonValue = reading.parse_json(text, name, depth=MOST_SENT_DEPTH)
        return value
    except UnreadableError as error:
        raise Refusal(error.code, name, error.what[:120]) from error


def parse_lines(
    data: bytes, name: str, most: int = MOST_LINE_BYTES
) -> Iterator[tuple[str, JsonValue]]:
    """(place, object) of each line of a JSONL file; each must be complete. Raises `Refusal`."""
    if data and not data.endswith(b"\n"):
        raise Refusal("torn-line", name, "the last line has no end")
    for number, line in enumerate(data.split(b"\n")[:-1], start=1):
        where = f"{name}:{number}"
        if len(line) > most:
            raise Refusal("long-line", where, f"{len(line)} bytes, at most {most}")
        yield where, parse_sent(line, where)
