"""PaidReplies that were paid for: in the folder of what is being made, and in this user's cache.

A line holds who was asked (an identity), the ids of the items that the reply answers, and the
reply. Answers are not kept but read from the reply again. An id is made from an identity and the
whole item, so another definition's replies are never found, nor those about a changed fact.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unlearnbench.errors import ParaphraserError, UnreadableError
from unlearnbench.files.disk import writing
from unlearnbench.files.reading import parse_json
from unlearnbench.paths import cache_root
from unlearnbench.remote.kept_lines import KeptLines
from unlearnbench.runs.journal import Journal

CACHE = "paraphrases.sqlite"
_Tokens = Annotated[int, Field(ge=0, le=100_000_000)]


class KeptReply(BaseModel):
    """A reply and the ids of the items that it answers."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    about: Annotated[tuple[str, ...], Field(strict=False)]
    reply: Annotated[str, Field(max_length=1 << 20)]
    model: Annotated[str, Field(max_length=500)]
    input_tokens: _Tokens
    output_tokens: _Tokens


class _Line(KeptReply):
    asked: str


class PaidReplies:
    """The replies of one who is asked, known by its identity.

    Raises `ParaphraserError` for a cache that cannot be used, `RunError` for the folder's file.
    """

    def __init__(self, identity: str, path: Path) -> None:
        self._identity = identity
        self._cache = KeptLines(cache_root() / CACHE, "cache of replies", ParaphraserError)
        self._journal = Journal(path)
        self._own: dict[str, list[KeptReply]] = {}
        for record in self._journal.read():
            line = _line(json.dumps(record))
            if line is not None and line.asked == identity:
                self._remember(_reply(line))
        self._repaired = False

    def about(self, name: str) -> Iterator[KeptReply]:
        """The replies about an item, the folder's own first."""
        yield from self._own.get(name, ())
        for text in self._cache.get(self._identity, [name]):
            line = _line(text)
            if line is not None and line.asked == self._identity and name in line.about:
                yield _reply(line)

    def adopt(self, reply: KeptReply) -> None:
        """Write a reply from the cache to the folder, unless the folder has it."""
        if any(reply in self._own.get(name, ()) for name in reply.about):
            return
        self._write(reply)

    def keep(self, reply: KeptReply) -> None:
        """Write a reply that has just come: to the folder, then to the cache."""
        line = self._write(reply)
        self._cache.put(self._identity, reply.about, line)

    def _write(self, reply: KeptReply) -> str:
        line = _Line(asked=self._identity, **dict(reply)).model_dump()
        if not self._repaired:
            with writing(self._journal.path):
                self._journal.path.parent.mkdir(parents=True, exist_ok=True)
            self._journal.repair()
            self._repaired = True
        self._journal.append([line])
        self._remember(reply)
        return json.dumps(line, ensure_ascii=False)

    def _remember(self, reply: KeptReply) -> None:
        for name in reply.about:
            self._own.setdefault(name, []).append(reply)


def _line(text: str) -> _Line | None:
    """A line that this program wrote; None for a damaged one, which is paid for again."""
    try:
        return _Line.model_validate(parse_json(text, "a kept reply", lenient=True))
    except (UnreadableError, ValidationError):
        return None


def _reply(line: _Line) -> KeptReply:
    return KeptReply.model_validate(line.model_dump(exclude={"asked"}))
