"""Rows of others as files of a user's own, and their questions as a table for `make-benchmark`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from unlearnbench.errors import BenchmarkError
from unlearnbench.files.disk import write_atomically
from unlearnbench.types import Fact

QUESTIONS = "facts.csv"
_NEAR = "topic"
"""The tier of retain facts in the table, nearest of those that `make-benchmark` knows."""


def write_files(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """Write files into a new or empty folder. Raises `BenchmarkError` if something lies in it."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        what = "it is there and not an empty folder; name another"
        raise BenchmarkError("not-empty", f"--export {folder}", what)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        write_atomically(folder / name, text)
    return [folder / name for name in files]


def json_lines(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows as JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def csv_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows as CSV, with a header."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([header, *rows])
    return out.getvalue()


def facts_table(facts: Sequence[Fact]) -> str:
    """What is asked as `make-benchmark` takes it."""
    header = ["question", "answer", "split", "topic", "tier"]
    tiers = {"retain": _NEAR}
    rows = [(f.question, f.answer, f.split, f.topic, tiers.get(f.split, "")) for f in facts]
    return csv_table(header, rows)
