"""Append-only JSONL files that survive being killed at any byte."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from unlearnbench.errors import RunError, UnreadableError
from unlearnbench.files.disk import sync_folder, write_error
from unlearnbench.files.reading import decode, lines, parse_json, read_bytes


class Journal:
    """One file. What `append` returned from is on disk; a torn last line is cut when reopened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Iterator[dict[str, Any]]:
        """Every whole line, one at a time: a large run has more lines than should be held twice.

        A last line without its newline was being written: it is left out. Raises `RunError` if a
        whole line is not a JSON object.
        """
        data = self._complete_lines()
        for number, line in islice(lines(data), data.count(b"\n")):
            where = f"{self.path}:{number}"
            try:
                record = parse_json(decode(line, where), where, lenient=True)
            except UnreadableError as error:
                raise RunError(
                    f"{where}: damaged line ({error.what}); restore it or start a new run"
                ) from error
            if not isinstance(record, dict):
                raise RunError(f"{where}: not an object; restore it or start a new run")
            yield record

    def repair(self) -> None:
        """Cut a torn last line off, so that the next append starts on a line of its own."""
        if not self.path.exists():
            return
        try:
            os.truncate(self.path, len(self._complete_lines()))
        except OSError as error:
            raise write_error(self.path, error) from error

    def append(self, records: Iterable[dict[str, Any]]) -> None:
        """Write all records and flush them to disk.

        Raises `RunError` when the disk is full or the file cannot be written; what was there
        before is kept.
        """
        text = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records)
        data = text.encode("utf-8", "backslashreplace")
        new = not self.path.exists()
        try:
            with self.path.open("ab") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if new:
                sync_folder(self.path.parent)
        except OSError as error:
            raise write_error(self.path, error) from error

    def _complete_lines(self) -> bytes:
        try:
            data = read_bytes(self.path) if self.path.exists() else b""
        except UnreadableError as error:
            raise RunError(f"{error}; restore it or start a new run") from error
        return data[: data.rfind(b"\n") + 1]
