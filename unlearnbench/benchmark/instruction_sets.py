"""Instructions of others: AlpacaEval's from the hub, or a table of one's own.

load_instructions("alpaca-eval", "hub")              # alpaca_eval.json of tatsu-lab/alpaca_eval
load_instructions("alpaca-eval", "folder")           # the same file in a folder
load_instructions("instructions:mine.jsonl", "hub")  # column `instruction` of a file
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from unlearnbench.benchmark.hub import Table, column, load_hub_file, load_local_file, load_table
from unlearnbench.errors import BenchmarkError
from unlearnbench.hashing import sha256_json

ALPACA_EVAL = "alpaca-eval"
OWN_INSTRUCTIONS = "instructions"
_REPOSITORY = "tatsu-lab/alpaca_eval"
_FILE = "alpaca_eval"
"""The hub's data set has a loading script, which nothing runs; its rows lie in `<_FILE>.json`."""


@dataclass(frozen=True, slots=True)
class InstructionSet:
    """Instructions by the numbers of their rows, from 1; `source` is the file with its revision."""

    name: str
    source: str
    rows: Mapping[str, str]

    @property
    def digest(self) -> str:
        """sha256 of the instructions."""
        return sha256_json(dict(self.rows))

    def first(self, limit: int) -> InstructionSet:
        """The first rows."""
        return replace(self, rows=dict(list(self.rows.items())[:limit]))


def is_instructions(name: str) -> bool:
    """Whether a name of `--utility` is that of instructions."""
    kind, _, rest = name.partition(":")
    return name == ALPACA_EVAL or (kind == OWN_INSTRUCTIONS and bool(rest))


def load_instructions(name: str, source: str) -> InstructionSet:
    """The instructions that a name of `--utility` means; AlpacaEval's from `source`.

    Raises `BenchmarkError` if they cannot be had, or a row holds none.
    """
    if name == ALPACA_EVAL:
        shown = _REPOSITORY if source == "hub" else Path(source).name
        table = _alpaca_eval(source)
    else:
        path = Path(name.partition(":")[2])
        shown, table = path.name, load_local_file(path)
    rows = {
        str(number): column(table, row, "instruction", f"{shown} row {number}")
        for number, row in enumerate(table.rows, start=1)
    }
    if not rows:
        raise BenchmarkError("no-rows", shown, "it holds no row")
    return InstructionSet(name, f"{shown}@{table.revision}", rows)


def _alpaca_eval(source: str) -> Table:
    if source == "hub":
        return load_hub_file(_REPOSITORY, f"{_FILE}.json")
    return load_table(source, _REPOSITORY, None, _FILE)
