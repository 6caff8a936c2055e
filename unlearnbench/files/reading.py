"""Read untrusted files: bounded, strict, and only plain ones.

Every fault of a file is raised as `UnreadableError`, which names the file and the fault. A folder,
a pipe or a device in place of a file is refused before it is read, so that nothing hangs.
"""

from __future__ import annotations

import json
import os
import re
import stat
import tomllib
from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unlearnbench.errors import UnreadableError

MOST_BYTES = 512 * 1024 * 1024
MOST_TOML = 1024 * 1024
MOST_DEPTH = 64
MOST_DIGITS = 24
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def read_bytes(path: Path, most: int = MOST_BYTES, *, follow: bool = True) -> bytes:
    """The bytes of a plain file; a link is followed only if `follow`. Raises `UnreadableError`."""
    where = str(path)
    flags = os.O_RDONLY | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    try:
        handle = os.open(path, flags)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise UnreadableError("not-a-file", where, "not a plain file")
            # Not more than the file has: a buffer for `most` bytes would be taken at once.
            data = file.read(min(os.fstat(handle).st_size, most) + 1)
            while len(data) <= most and (more := file.read(1)):
                data += more + file.read(most - len(data))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UnreadableError("missing", where, "no such file") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        if isinstance(error, UnreadableError):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UnreadableError("unreadable", where, reason) from error
    if len(data) > most:
        raise UnreadableError("too-large", where, f"more than {most} bytes")
    return data


def decode(data: bytes, where: str) -> str:
    """UTF-8, with or without a byte order mark. Raises `UnreadableError`."""
    try:
        return data.removeprefix(BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableError("not-utf-8", where, f"not UTF-8 at byte {error.start}") from error


def read_text(path: Path) -> str:
    """A text file. Raises `UnreadableError`."""
    return decode(read_bytes(path), str(path))


def read_json(path: Path, *, lenient: bool = False) -> Any:
    """A JSON file; see `parse_json`."""
    return parse_json(read_text(path), str(path), lenient=lenient)


def read_object(path: Path, *, lenient: bool = False) -> dict[str, Any]:
    """A JSON file that holds one object; see `parse_json`."""
    value = read_json(path, lenient=lenient)
    if not isinstance(value, dict):
        raise UnreadableError("not-json", str(path), "not a JSON object")
    return value


def lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Each line with its number; a byte order mark is dropped."""
    yield from enumerate(data.removeprefix(BOM_UTF8).split(b"\n"), start=1)


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file. Raises `UnreadableError`."""
    text = decode(read_bytes(path, MOST_TOML), str(path))
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise UnreadableError("too-deep", str(path), "nested too deeply") from error
    except ValueError as error:
        raise UnreadableError("not-toml", str(path), f"not TOML: {error}"[:200]) from error


def parse_json(text: str, where: str, *, lenient: bool = False, depth: int = MOST_DEPTH) -> Any:
    """Strict JSON: unique names in an object, bounded depth and numbers, no lone surrogates.

    `lenient` is for records that this program wrote: they may hold NaN and infinity (a loss that
    diverged) and lone surrogates (a path that is not UTF-8). Raises `UnreadableError`.
    """
    if text.count("[") + text.count("{") > depth and _depth(text) > depth:
        raise UnreadableError("too-deep", where, f"nested deeper than {depth}")
    try:
        value = (_LENIENT if lenient else _STRICT).decode(text)
        if not lenient and _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise UnreadableError("not-json", where, "half of a character (\\ud800 …)") from error
    except (ValueError, RecursionError) as error:
        raise UnreadableError("not-json", where, f"not JSON: {error}"[:200]) from error
    return value


def _depth(text: str) -> int:
    """The deepest nesting of brackets outside strings."""
    depth = deepest = 0
    for token in _TOKEN.finditer(text):
        first = token[0][0]
        if first in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first in "]}":
            depth -= 1
    return deepest


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{repeated[:80]!r} appears twice in one object")
    return unique


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not a number of JSON")


def _bounded_int(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def _bounded_float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{text[:20]} is too large a number")
    return number


_STRICT = json.JSONDecoder(
    object_pairs_hook=_unique_names,
    parse_constant=_no_constant,
    parse_int=_bounded_int,
    parse_float=_bounded_float,
)
_LENIENT = json.JSONDecoder(
    object_pairs_hook=_unique_names, parse_int=_bounded_int, parse_float=_bounded_float
)
