"""A SQLite file of lines that were paid for, found by who was asked and about what."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path

from unlearnbench.errors import UnlearnbenchError
from unlearnbench.hashing import sha256_text

_TABLES = (
    "CREATE TABLE IF NOT EXISTS replies (id TEXT PRIMARY KEY, line TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS judged (judge TEXT NOT NULL, key TEXT NOT NULL, "
    "reply TEXT NOT NULL, PRIMARY KEY (judge, key)) WITHOUT ROWID",
)
"""Calls, and for each model asked (its identity) the last call about each key. Files of older
versions hold verdicts without their calls in another table, which is left alone: nothing shows that
such a verdict was given, so it is asked for again.
"""


class KeptLines:
    """Lines in one file, called `what` in messages.

    All methods raise `error` where the file cannot be opened or written, or is damaged.
    """

    def __init__(self, path: Path, what: str, error: type[UnlearnbenchError]) -> None:
        self.path = path
        self._what = what
        self._error = error
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=30.0, check_same_thread=False)
            with self._db:
                for table in _TABLES:
                    self._db.execute(table)
        except (sqlite3.Error, OSError) as fault:
            raise error(
                f"{what} {path}: {fault}; move it away, or make room or permission"
            ) from fault

    def get(self, asked: str, keys: Iterable[str]) -> list[str]:
        """The lines of the model `asked` about some keys, each once."""
        lines: dict[str, str] = {}
        query = "SELECT id, line FROM judged JOIN replies ON id = reply WHERE judge = ? AND key = ?"
        try:
            with self._lock:
                for key in keys:
                    lines.update(self._db.execute(query, (asked, key)).fetchall())
        except sqlite3.Error as fault:
            raise self._error(f"{self._what} {self.path}: {fault}; move it away") from fault
        return [str(line) for line in lines.values()]

    def put(self, asked: str, keys: Iterable[str], line: str) -> None:
        """Store a line of the model `asked` about some keys."""
        line = line.encode("utf-8", "backslashreplace").decode()
        name = sha256_text(line)
        rows = [(asked, key, name) for key in keys]
        try:
            with self._lock, self._db:
                self._db.execute("INSERT OR REPLACE INTO replies VALUES (?, ?)", (name, line))
                self._db.executemany("INSERT OR REPLACE INTO judged VALUES (?, ?, ?)", rows)
        except sqlite3.Error as fault:
            raise self._error(f"{self._what} {self.path}: cannot be written: {fault}") from fault
