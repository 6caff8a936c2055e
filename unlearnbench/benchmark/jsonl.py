"""Rows of a JSONL file, validated, each with its `file:line`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from unlearnbench.errors import BenchmarkError, UnreadableError
from unlearnbench.files.reading import decode, lines, parse_json, read_bytes

Shape = TypeVar("Shape", bound=BaseModel)


def read_rows(path: Path, shape: type[Shape]) -> Iterator[tuple[Shape, str]]:
    """Yield each row of a file; blank lines are skipped, line ends may be of any kind.

    Raises `BenchmarkError` naming the rule, the file and the line.
    """
    for number, line in lines(_bytes(path)):
        if not line.strip():
            continue
        where = f"{path.name}:{number}"
        try:
            row = shape.model_validate(parse_json(decode(line, where), where))
        except UnreadableError as error:
            raise BenchmarkError("invalid-json", where, error.what) from error
        except ValidationError as error:
            raise first_problem(error, where) from error
        yield row, where


def _bytes(path: Path) -> bytes:
    try:
        return read_bytes(path)
    except UnreadableError as error:
        if error.code == "missing":
            what = "declared in benchmark.toml, not there"
            raise BenchmarkError("missing-file", path.name, what) from error
        raise BenchmarkError("unreadable", str(path), error.what) from error


def first_problem(error: ValidationError, where: str) -> BenchmarkError:
    """Turn pydantic's first complaint into a named rule."""
    problem = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in problem["loc"])[:120]
    rules = {"extra_forbidden": "unknown-key", "missing": "missing-key"}
    rule = rules.get(problem["type"], "invalid-value")
    return BenchmarkError(rule, where, f"{key}: {problem['msg']}")
