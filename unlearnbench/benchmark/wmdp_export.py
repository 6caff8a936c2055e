"""WMDP's questions as files of a user's own, and what of them is asked openly as a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from unlearnbench.benchmark.choices.questions import PosedQuestion
from unlearnbench.benchmark.exporting import (
    QUESTIONS,
    csv_table,
    facts_table,
    json_lines,
    write_files,
)
from unlearnbench.benchmark.wmdp_facts import WmdpFacts, WmdpTables
from unlearnbench.benchmark.wmdp_retain import RETAIN

LEFT_OUT = "left_out.csv"


def export_wmdp(tables: WmdpTables, found: WmdpFacts, folder: Path) -> list[Path]:
    """Write the tables, `facts.csv` for `make-benchmark` and `left_out.csv` into a new folder.

    The folder then serves as `--source`. Raises `BenchmarkError` if something lies in it.
    """
    files = {f"wmdp-{table.part}.jsonl": _rows(table.rows) for table in tables.forget}
    files[f"{RETAIN}.jsonl"] = _rows(tables.retain)
    files[QUESTIONS] = facts_table(found.facts)
    left_out = [(one.place, one.reason, one.question) for one in found.left_out]
    files[LEFT_OUT] = csv_table(["place", "reason", "question"], left_out)
    return write_files(folder, files)


def _rows(rows: Sequence[PosedQuestion]) -> str:
    questions = [row.question for row in rows]
    return json_lines(
        [
            {
                "question": q.question,
                "choices": list(q.choices),
                "answer": q.gold,
                **({"subject": q.subject} if q.subject else {}),
            }
            for q in questions
        ]
    )
