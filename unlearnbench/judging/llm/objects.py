"""JSON objects in a judge's reply, fenced, after thoughts or in prose."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

LONGEST = 1 << 20
"""Characters of a reply that are looked at; more is no reply."""
_MOST_MARKS = 10_000
_MOST_STARTS = 100
_MARKS = re.compile(r"\{|<(/?)(?:think|thinking|thought)>", re.IGNORECASE)


class NotReadableError(ValueError):
    """A reply that cannot be read; the message says why."""


def objects(text: str) -> list[dict[str, Any]]:
    """Every JSON object of a reply that does not lie in another one, or in a block of thoughts.

    Raises `NotReadableError` for thoughts without an end, and for more than anybody needs.
    """
    if len(text) > LONGEST:
        raise NotReadableError(f"the reply has {len(text)} characters")
    found: list[dict[str, Any]] = []
    thinking = False
    at = starts = 0
    for _ in range(_MOST_MARKS):
        mark = _MARKS.search(text, at)
        if mark is None:
            if thinking:
                raise NotReadableError("the reply's thoughts do not end")
            return found
        at = mark.end()
        if mark.group() != "{":
            thinking = not mark[1]
            if mark[1]:  # what stood before was thought, whether its beginning was sent or not
                found.clear()
        elif not thinking and starts < _MOST_STARTS:
            starts += 1
            value, end = _object(text, mark.start())
            if value is not None:
                found.append(value)
                at = end
        elif not thinking:
            break
    raise NotReadableError("the reply holds too many braces")


def _object(text: str, start: int) -> tuple[dict[str, Any] | None, int]:
    """The object that begins at `start` and where it ends; None if there is none."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except RecursionError:
        raise NotReadableError("the reply is nested too deeply") from None
    except json.JSONDecodeError:
        return None, start
    return value, end


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise NotReadableError("the reply names a key twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise NotReadableError(f"{name} is no JSON")


def _whole(digits: str) -> int:
    if len(digits) > 30:
        raise NotReadableError("the reply holds a number too long to be one")
    return int(digits)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_once, parse_constant=_no_constant, parse_int=_whole, strict=True
)
