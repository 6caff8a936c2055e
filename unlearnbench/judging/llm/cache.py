"""A SQLite cache of paid verdicts, keyed by the contents they were given on."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

from unlearnbench.errors import JudgeError
from unlearnbench.judging.llm.prompt import Reading
from unlearnbench.types import Verdict

FILE = "verdicts.sqlite"
VERDICTS: dict[str, Verdict] = {"correct": "correct", "incorrect": "incorrect"}
_TABLE = """
CREATE TABLE IF NOT EXISTS verdicts (
    key TEXT PRIMARY KEY, judge TEXT NOT NULL, verdict TEXT NOT NULL, evidence TEXT NOT NULL
) WITHOUT ROWID
"""


class VerdictCache:
    """A cache in one file, keyed by the sha256 of judge identity, fact and response.

    Raises `JudgeError` if the file cannot be opened or is not such a cache.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=30.0, check_same_thread=False)
            with self._db:
                self._db.execute(_TABLE)
        except (sqlite3.Error, OSError) as error:
            raise JudgeError(
                f"verdict cache {path}: {error}; move it away, or make room or permission"
            ) from error

    def get(self, keys: Iterable[str]) -> dict[str, Reading]:
        """Cached verdicts by key. Raises `JudgeError` if the file is damaged."""
        readings: dict[str, Reading] = {}
        query = "SELECT verdict, evidence FROM verdicts WHERE key = ?"
        with self._lock:
            for key in keys:
                try:
                    row = self._db.execute(query, (key,)).fetchone()
                except sqlite3.Error as error:
                    message = f"verdict cache {self.path}: {error}; move it away"
                    raise JudgeError(message) from error
                verdict = VERDICTS.get(row[0]) if row is not None else None
                if verdict is not None:  # anything else is damage: judge again
                    readings[key] = Reading(verdict, str(row[1]))
        return readings

    def put(self, judge: str, readings: Mapping[str, Reading]) -> None:
        """Store verdicts. Raises `JudgeError` if they cannot be written."""
        rows = [(key, judge, r.verdict, r.evidence) for key, r in readings.items()]
        try:
            with self._lock, self._db:
                self._db.executemany("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?)", rows)
        except sqlite3.Error as error:
            raise JudgeError(f"verdict cache {self.path}: cannot be written: {error}") from error
