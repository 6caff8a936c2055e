"""A SQLite cache of paid replies, found by the contents that they judge."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path

from unlearnbench.errors import JudgeError
from unlearnbench.hashing import sha256_text
from unlearnbench.runs.replies import reply_of, reply_text
from unlearnbench.types import StoredReply

FILE = "verdicts.sqlite"
_TABLES = (
    "CREATE TABLE IF NOT EXISTS replies (id TEXT PRIMARY KEY, line TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS judged (judge TEXT NOT NULL, key TEXT NOT NULL, "
    "reply TEXT NOT NULL, PRIMARY KEY (judge, key)) WITHOUT ROWID",
)
"""Calls, and for each judge the last call about a fact and a response. Files of older versions hold
verdicts without their calls in another table, which is left alone: nothing shows that such a
verdict was given, so it is asked for again.
"""


class ReplyCache:
    """A cache in one file. Verdicts are not stored but derived from the replies again.

    Raises `JudgeError` if the file cannot be opened or is not such a cache.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=30.0, check_same_thread=False)
            with self._db:
                for table in _TABLES:
                    self._db.execute(table)
        except (sqlite3.Error, OSError) as error:
            raise JudgeError(
                f"verdict cache {path}: {error}; move it away, or make room or permission"
            ) from error

    def get(self, judge: str, keys: Iterable[str]) -> list[StoredReply]:
        """A judge's calls about some keys, each once; a damaged one is left out.

        Raises `JudgeError` if the file is damaged.
        """
        lines: dict[str, str] = {}
        query = "SELECT id, line FROM judged JOIN replies ON id = reply WHERE judge = ? AND key = ?"
        try:
            with self._lock:
                for key in keys:
                    lines.update(self._db.execute(query, (judge, key)).fetchall())
        except sqlite3.Error as error:
            raise JudgeError(f"verdict cache {self.path}: {error}; move it away") from error
        replies = (reply_of(str(line), str(self.path)) for line in lines.values())
        return [reply for reply in replies if reply is not None]

    def put(self, reply: StoredReply, keys: Iterable[str]) -> None:
        """Store a call about some keys. Raises `JudgeError` if it cannot be written."""
        line = reply_text(reply).encode("utf-8", "backslashreplace").decode()
        name = sha256_text(line)
        rows = [(reply.judge, key, name) for key in keys]
        try:
            with self._lock, self._db:
                self._db.execute("INSERT OR REPLACE INTO replies VALUES (?, ?)", (name, line))
                self._db.executemany("INSERT OR REPLACE INTO judged VALUES (?, ?, ?)", rows)
        except sqlite3.Error as error:
            raise JudgeError(f"verdict cache {self.path}: cannot be written: {error}") from error
