"""Copies of a tiny model in which one file around the weights says something else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.submissions.doubts import different_parts
from unlearnbench.submissions.schema import SurroundingsClaim
from unlearnbench.types.options import EngineOptions

Change = Callable[[Path], None]
TOKENIZER, SETTINGS = "tokenizer.json", "tokenizer_config.json"
CONFIG, GENERATION, TEMPLATE = "config.json", "generation_config.json", "chat_template.jinja"


def options(**more: Any) -> EngineOptions:
    return EngineOptions(dtype="float32", batch_size=8, **more)


def copied(source: Path, target: Path, *changes: Change) -> Path:
    """A copy of a checkpoint with changes."""
    shutil.copytree(source, target)
    for change in changes:
        change(target)
    return target


def put(file: str, **fields: Any) -> Change:
    """Set fields of a JSON file, `...` removes one; the file may be new."""

    def change(folder: Path) -> None:
        path = folder / file
        data = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        kept = {n: v for n, v in {**data, **fields}.items() if v is not ...}
        path.write_text(json.dumps(kept), "utf-8")

    return change


def write(file: str, value: object) -> Change:
    """Write a JSON file, which may be in a folder of its own."""

    def change(folder: Path) -> None:
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text(json.dumps(value), "utf-8")

    return change


def template(text: str | None) -> Change:
    """Replace the chat template's file, or remove it."""

    def change(folder: Path) -> None:
        (folder / TEMPLATE).unlink()
        if text is not None:
            (folder / TEMPLATE).write_text(text, "utf-8")

    return change


def edit(change: Callable[[Any], None], file: str = TOKENIZER) -> Change:
    """Change a JSON file in place."""

    def changed(folder: Path) -> None:
        data = json.loads((folder / file).read_text("utf-8"))
        change(data)
        (folder / file).write_text(json.dumps(data), "utf-8")

    return changed


def replaces(old: str, new: str) -> dict[str, Any]:
    """A decoder or normalizer that replaces a text."""
    return {"type": "Replace", "pattern": {"String": old}, "content": new}


def added(text: str, number: int, *, special: bool) -> dict[str, Any]:
    """An entry of a tokenizer's added tokens."""
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": number, "content": text, **flags, "special": special}


def surroundings(checkpoint: Path, **more: Any) -> SurroundingsClaim:
    """What a run of a checkpoint would claim."""
    digests = TransformersEngine(str(checkpoint), options(**more)).info.surroundings
    assert digests is not None
    return SurroundingsClaim(**asdict(digests))


def different(checkpoint: Path, base: SurroundingsClaim, **more: Any) -> set[str]:
    """The parts in which a checkpoint differs from its base."""
    parts = different_parts(surroundings(checkpoint, **more), base)
    assert parts is not None
    return set(parts)
