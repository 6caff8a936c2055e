"""Rows of a JSONL file, validated, each with its `file:line`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from unlearnbench.errors import BenchmarkError

Shape = TypeVar("Shape", bound=BaseModel)


def read_rows(path: Path, shape: type[Shape]) -> Iterator[tuple[Shape, str]]:
    """Yield each row of a file; blank lines are skipped, line ends may be of any kind.

    Raises `BenchmarkError` naming the rule, the file and the line.
    """
    if not path.is_file():
        raise BenchmarkError("missing-file", path.name, "declared in benchmark.toml, not there")
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if not line.strip():
            continue
        where = f"{path.name}:{number}"
        try:
            row = shape.model_validate(json.loads(line))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise BenchmarkError("invalid-json", where, str(error)) from error
        except ValidationError as error:
            raise first_problem(error, where) from error
        yield row, where


def first_problem(error: ValidationError, where: str) -> BenchmarkError:
    """Turn pydantic's first complaint into a named rule."""
    problem = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in problem["loc"])
    rules = {"extra_forbidden": "unknown-key", "missing": "missing-key"}
    rule = rules.get(problem["type"], "invalid-value")
    return BenchmarkError(rule, where, f"{key}: {problem['msg']}")
