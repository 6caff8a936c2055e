"""This user's cache of paid replies, found by the contents that they judge."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from unlearnbench.errors import JudgeError
from unlearnbench.remote.kept_lines import KeptLines
from unlearnbench.runs.replies import reply_of, reply_text
from unlearnbench.types import StoredReply

FILE = "verdicts.sqlite"


class ReplyCache:
    """A cache in one file. Verdicts are not stored but derived from the replies again.

    All methods raise `JudgeError` if the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines = KeptLines(path, "verdict cache", JudgeError)

    def get(self, judge: str, keys: Iterable[str]) -> list[StoredReply]:
        """A judge's calls about some keys, each once; a damaged one is left out."""
        replies = (reply_of(line, str(self.path)) for line in self._lines.get(judge, keys))
        return [reply for reply in replies if reply is not None]

    def put(self, reply: StoredReply, keys: Iterable[str]) -> None:
        """Store a call about some keys."""
        self._lines.put(reply.judge, keys, reply_text(reply))
