"""Reading a checkpoint's JSON files, which may be damaged, and the errors of libraries."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from unlearnbench.errors import CheckpointError, UnreadableError
from unlearnbench.files.reading import read_text

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_LONGEST = 2000


def read_checkpoint_json(path: Path) -> dict[str, Any]:
    """The JSON object in `path`.

    Raises `CheckpointError` if it cannot be read, is not JSON, too deep, or not an object.
    """
    try:
        # What a library reads of a checkpoint, it reads loosely: long numbers and NaN are usual.
        value = json.loads(read_text(path))
    except UnreadableError as error:
        raise CheckpointError(f"{error}; fetch it again") from error
    except (ValueError, RecursionError) as error:
        what = "nested too deeply" if isinstance(error, RecursionError) else whole_cause(error)
        raise CheckpointError(f"{path}: not readable as JSON ({what}); fetch it again") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{path}: a JSON {type(value).__name__}, not an object; fetch it")
    return value


def one_line(text: str) -> str:
    """A text without line breaks and colours."""
    return " ".join(_ANSI.sub("", text).split())[:_LONGEST]


def whole_cause(error: BaseException) -> str:
    """All that an error and its causes say, on one line."""
    parts: list[str] = []
    current: BaseException | None = error
    for _ in range(5):
        if current is None:
            break
        text = one_line(str(current)) or repr(current)
        # A KeyError's text is the bare key.
        text = f"{type(current).__name__}: {text}" if isinstance(current, LookupError) else text
        if not any(text in part for part in parts):
            parts.append(text)
        current = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )
    joined = "; caused by: ".join(parts)
    return joined if len(joined) <= _LONGEST else f"{joined[:_LONGEST]} …"


def named(names: list[str], most: int = 3) -> str:
    """The first few of `names`, and how many there are."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown}, … ({len(names)} in all)"
