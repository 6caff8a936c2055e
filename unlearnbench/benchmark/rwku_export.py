"""RWKU's rows about some subjects as files of a user's own, and their questions as a table."""

from __future__ import annotations

from pathlib import Path

from unlearnbench.benchmark.exporting import QUESTIONS, facts_table, json_lines, write_files
from unlearnbench.benchmark.rwku import RwkuTables
from unlearnbench.benchmark.rwku_facts import RwkuFacts


def export_rwku(tables: RwkuTables, found: RwkuFacts, folder: Path) -> list[Path]:
    """Write the tables, and `facts.csv` for `make-benchmark`, into a new or empty folder.

    The folder then serves as `--source`. Raises `BenchmarkError` if something lies in it.
    """
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
    files = {name: json_lines(rows) for name, rows in contents.items()}
    return write_files(folder, files | {QUESTIONS: facts_table(found.facts)})
