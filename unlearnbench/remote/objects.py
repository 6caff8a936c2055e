"""Find JSON objects in a model's reply: fenced, after thoughts or within prose."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

LONGEST = 1 << 20
"""Most characters of a reply; a longer one is refused."""
_MOST_MARKS = 10_000
_MOST_STARTS = 100
_MARKS = re.compile(r"\{|<(/?)(?:think|thinking|thought)>", re.IGNORECASE)


class NotReadableError(ValueError):
    """A reply that cannot be read; the message says why."""


def objects(text: str) -> list[dict[str, Any]]:
    """Every outermost JSON object of a reply that is not in a block of thoughts.

    Raises `NotReadableError` for thoughts without an end, and for a reply beyond the limits above.
    """
    if len(text) > LONGEST:
        raise NotReadableError(f"the reply has {len(text)} characters")
    values: list[dict[str, Any]] = []
    thinking = False
    position = starts = 0
    for _ in range(_MOST_MARKS):
        mark = _MARKS.search(text, position)
        if mark is None:
            if thinking:
                raise NotReadableError("the reply's thoughts do not end")
            return values
        position = mark.end()
        if mark.group() != "{":
            thinking = not mark[1]
            if mark[1]:  # text before it was thought, even if the opening mark was not sent
                values.clear()
        elif not thinking and starts < _MOST_STARTS:
            starts += 1
            value, end = _object(text, mark.start())
            if value is not None:
                values.append(value)
                position = end
        elif not thinking:
            break
    raise NotReadableError("the reply holds too many braces")


def _object(text: str, start: int) -> tuple[dict[str, Any] | None, int]:
    """The object that begins at `start`, or None, and the position after it."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except RecursionError:
        raise NotReadableError("the reply is nested too deeply") from None
    except json.JSONDecodeError:
        return None, start
    return value, end


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        raise NotReadableError("the reply names a key twice")
    return unique


def _no_constant(name: str) -> NoReturn:
    raise NotReadableError(f"{name} is no JSON")


def _bounded_int(digits: str) -> int:
    if len(digits) > 30:
        raise NotReadableError("the reply holds a number too long to be one")
    return int(digits)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique_names,
    parse_constant=_no_constant,
    parse_int=_bounded_int,
    strict=True,
)
