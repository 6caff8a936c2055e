"""RWKU's tables with rows of our own (tests/fixtures/rwku), whole or changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

RWKU_TABLES = Path(__file__).parent / "fixtures" / "rwku"
NAMES = (
    "forget_level1",
    "forget_level2",
    "forget_level3",
    "neighbor_level1",
    "neighbor_level2",
    "mia_forget",
    "mia_retain",
)
Row = dict[str, object]


def rows_of(name: str, folder: Path = RWKU_TABLES) -> list[Row]:
    """The rows of one table."""
    lines = (folder / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def changed_tables(
    folder: Path, name: str, change: Callable[[list[Row]], list[Row]], paraphrases: bool = False
) -> Path:
    """A copy of the tables with one of them changed, without paraphrases unless wanted."""
    shutil.copytree(RWKU_TABLES, folder)
    if not paraphrases:
        (folder / "paraphrases.csv").unlink()
    change_table(folder, name, change)
    return folder


def change_table(folder: Path, name: str, change: Callable[[list[Row]], list[Row]]) -> None:
    """Change one table where it lies."""
    lines = [json.dumps(row) + "\n" for row in change(rows_of(name, folder))]
    (folder / f"{name}.jsonl").write_text("".join(lines), "utf-8")
