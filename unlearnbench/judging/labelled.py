"""Tables of labelled rows that judges are measured on."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from unlearnbench.errors import JudgeError, UnreadableError
from unlearnbench.files.reading import decode, lines, parse_json, read_bytes

LabelledRow = TypeVar("LabelledRow", bound=BaseModel)


def read_labelled(path: Path, shape: type[LabelledRow], called: str) -> list[LabelledRow]:
    """The rows of a JSONL table; `called` names them to people.

    Raises `JudgeError` with file and line for the first bad one, or if there is none.
    """
    try:
        data = read_bytes(path)
    except UnreadableError as error:
        raise JudgeError(f"--items {path}: cannot be read: {error.what}") from error
    rows = []
    for number, line in lines(data):
        if not line.strip():
            continue
        place = f"{path}:{number}"
        try:
            rows.append(shape.model_validate(parse_json(decode(line, place), place)))
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            field = ".".join(map(str, problem["loc"])) or "line"
            raise JudgeError(f"--items {place}: {field}: {problem['msg']}") from error
        except UnreadableError as error:
            raise JudgeError(f"--items {error}") from error
    if not rows:
        raise JudgeError(f"--items {path}: holds no {called}")
    return rows
