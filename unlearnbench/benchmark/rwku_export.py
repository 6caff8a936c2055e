"""RWKU's rows about some subjects as files of a user's own, and their questions as a table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

from unlearnbench.benchmark.rwku import RwkuTables
from unlearnbench.benchmark.rwku_facts import RwkuFacts
from unlearnbench.errors import BenchmarkError
from unlearnbench.files.disk import write_atomically
from unlearnbench.types import Fact

QUESTIONS = "facts.csv"
_NEAR = "topic"
"""The tier of neighbours in the table, nearest of those that `make-benchmark` knows."""


def export_rwku(tables: RwkuTables, found: RwkuFacts, folder: Path) -> list[Path]:
    """Write the tables, and `facts.csv` for `make-benchmark`, into a new or empty folder.

    The folder then serves as `--source`. Raises `BenchmarkError` if something lies in it.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        what = "it is there and not an empty folder; name another"
        raise BenchmarkError("not-empty", f"--export {folder}", what)
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        f"{name}.jsonl": [
            {
                "query": row.query,
                "answer": row.answer,
                "level": name[-1],
                "type": row.kind,
                "subject": row.subject,
            }
            for row in rows
        ]
        for name, rows in tables.questions.items()
    }
    contents |= {
        f"{name}.jsonl": [{"text": row.text, "subject": row.subject} for row in rows]
        for name, rows in tables.texts.items()
    }
    files = {name: _lines(rows) for name, rows in contents.items()}
    files[QUESTIONS] = _questions(found.facts)
    for name, text in files.items():
        write_atomically(folder / name, text)
    return [folder / name for name in files]


def _lines(rows: Sequence[dict[str, str]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _questions(facts: Sequence[Fact]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["question", "answer", "split", "topic", "tier"])
    for fact in facts:
        tier = _NEAR if fact.split == "retain" else ""
        writer.writerow([fact.question, fact.answer, fact.split, fact.topic, tier])
    return out.getvalue()
