"""Changes of a submission's files, as a forger makes them; SHA256SUMS are made anew elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

ANSWERS, VERDICTS = "run/completions.jsonl", "run/outcomes.jsonl"
CLAIM, SUMS = "submission.json", "SHA256SUMS"

Change = Callable[[Path], object]
Line = dict[str, Any]


def claim(change: Callable[[Line], object], name: str = CLAIM) -> Change:
    """Edit submission.json, or the JSON object of another file."""

    def apply(folder: Path) -> None:
        path = folder / name
        found = json.loads(path.read_text("utf-8"))
        change(found)
        path.write_text(json.dumps(found, ensure_ascii=False), "utf-8")

    return apply


def put(*steps: str | int, value: Any, name: str = CLAIM) -> Change:
    """Set one field of submission.json, or of another file."""

    def change(found: Line) -> None:
        place: Any = found
        for step in steps[:-1]:
            place = place[step]
        place[steps[-1]] = value

    return claim(change, name)


def lines(name: str, change: Callable[[list[Any]], list[Any]]) -> Change:
    """Edit the lines of a JSONL file as objects."""

    def apply(folder: Path) -> None:
        write_lines(folder / name, change(read_lines(folder / name)))

    return apply


def each(name: str, where: int, **fields: Any) -> Change:
    """Set fields of one line."""

    def change(found: list[Any]) -> list[Any]:
        found[where] = {**found[where], **fields}
        return found

    return lines(name, change)


def raw(name: str, data: bytes) -> Change:
    """Replace a file."""
    return lambda folder: (folder / name).write_bytes(data)


def after(name: str, data: bytes) -> Change:
    """Append to a file."""

    def apply(folder: Path) -> None:
        with (folder / name).open("ab") as file:
            file.write(data)

    return apply


def text(name: str, old: str, new: str) -> Change:
    """Replace text in a file, once."""

    def apply(folder: Path) -> None:
        path = folder / name
        before = path.read_text("utf-8")
        assert old in before
        path.write_text(before.replace(old, new, 1), "utf-8")

    return apply


def read_lines(path: Path) -> list[Line]:
    """The objects of a JSONL file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def write_lines(path: Path, objects: list[Any]) -> None:
    """Write objects as a JSONL file."""
    made = [json.dumps(line, ensure_ascii=False) + "\n" for line in objects]
    path.write_text("".join(made), "utf-8")
