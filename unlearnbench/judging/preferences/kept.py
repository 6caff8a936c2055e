"""This user's cache of paid replies about comparisons; verdicts are read from them again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unlearnbench.errors import JudgeError, UnreadableError
from unlearnbench.files.reading import parse_json
from unlearnbench.hashing import sha256_text
from unlearnbench.judging.preferences.prompt import ComparisonCall
from unlearnbench.paths import cache_root
from unlearnbench.remote.kept_lines import KeptLines

FILE_OF_PREFERENCES = "preferences.sqlite"


class _KeptPreference(BaseModel):
    """A reply, who gave it, and to which call."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    judge: str
    call: str
    reply: Annotated[str, Field(max_length=1 << 20)]


class PreferenceCache:
    """Replies of one judge by its identity. Raises `JudgeError` for an unusable file."""

    def __init__(self, judge: str) -> None:
        self._judge = judge
        self._lines = KeptLines(cache_root() / FILE_OF_PREFERENCES, "verdict cache", JudgeError)

    def replies(self, call: ComparisonCall) -> Iterator[str]:
        """The replies to a call; a damaged one is left out."""
        key = _key(call)
        for line in self._lines.get(self._judge, [key]):
            try:
                kept = _KeptPreference.model_validate(parse_json(line, "a kept reply"))
            except (UnreadableError, ValidationError):
                continue
            if (kept.judge, kept.call) == (self._judge, key):
                yield kept.reply

    def keep(self, call: ComparisonCall, reply: str) -> None:
        """Keep a reply that has just come."""
        kept = _KeptPreference(judge=self._judge, call=_key(call), reply=reply)
        self._lines.put(self._judge, [kept.call], kept.model_dump_json())


def _key(call: ComparisonCall) -> str:
    return sha256_text(call.user)
