"""The replies of paid judges that a run keeps: `replies.jsonl`, one line a successful call.

A line is on disk before any of its verdicts is. A killed run takes them up again: what was paid
for is not asked for twice, and every verdict of the run follows from one line.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unlearnbench.errors import RunError, UnreadableError
from unlearnbench.files.reading import decode, lines, parse_json, read_bytes
from unlearnbench.runs.codec import Line
from unlearnbench.types import StoredReply, Verdict

REPLIES = "replies.jsonl"
_Short = Annotated[str, Field(max_length=200)]
_Text = Annotated[str, Field(max_length=1_000_000)]
_Name = Annotated[str, Field(pattern=r"^[0-9a-f]{10}$")]
_Tokens = Annotated[int, Field(ge=0, le=100_000_000)]


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    judge: _Short
    question: _Text
    answer: _Text
    aliases: Annotated[list[_Text], Field(max_length=1000)]
    responses: Annotated[dict[_Name, _Text], Field(min_length=1, max_length=1000)]
    canaries: Annotated[dict[_Name, Verdict], Field(max_length=10)]
    reply: Annotated[str, Field(max_length=1_000_000)]
    model: Annotated[str, Field(max_length=500)]
    input_tokens: _Tokens
    output_tokens: _Tokens


def reply_record(reply: StoredReply) -> Line:
    """A line of `replies.jsonl`."""
    return {
        "judge": reply.judge,
        "question": reply.question,
        "answer": reply.answer,
        "aliases": list(reply.aliases),
        "responses": dict(reply.responses),
        "canaries": dict(reply.canaries),
        "reply": reply.reply,
        "model": reply.model,
        "input_tokens": reply.input_tokens,
        "output_tokens": reply.output_tokens,
    }


def reply_from(record: object) -> StoredReply:
    """The reply of a line. Raises `ValueError` that names the first wrong field."""
    try:
        line = _Line.model_validate(record)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the line"
        raise ValueError(f"{place[:80]}: {first['msg']}") from error
    return StoredReply(**{**dict(line), "aliases": tuple(line.aliases)})


def reply_text(reply: StoredReply) -> str:
    """A line of `replies.jsonl` as text, without its end."""
    return json.dumps(reply_record(reply), ensure_ascii=False)


def reply_of(text: str, where: str) -> StoredReply | None:
    """The reply of a line that this program wrote; None if it is damaged."""
    try:
        return reply_from(parse_json(text, where, lenient=True))
    except (UnreadableError, ValueError):
        return None


def read_replies(folder: Path) -> list[StoredReply]:
    """The replies in a run's folder, in the order in which they came; none without the file.

    A damaged or torn line is left out: its verdicts have no reply. Raises `RunError` if the file
    cannot be read.
    """
    path = folder / REPLIES
    try:
        data = read_bytes(path) if path.exists() else b""
        whole = data[: data.rfind(b"\n") + 1]
        texts = [(number, decode(line, str(path))) for number, line in lines(whole) if line]
    except UnreadableError as error:
        raise RunError(f"{error}; restore it or start a new run") from error
    replies = (reply_of(text, f"{path}:{number}") for number, text in texts)
    return [reply for reply in replies if reply is not None]
