"""Facts and paraphrases of the sample table that ships, which every check passes."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from unlearnbench.paths import content_root

SPAIN, BLOOD = "What is the capital of Spain?", "Which organ pumps blood through the body?"
FACTS = [(SPAIN, "Madrid"), (BLOOD, "heart")]
IDS = ("what-is-the-capital-of-spain", "which-organ-pumps-blood-through-the-body")
ALL = {"wording": 5, "syntax": 5, "situation": 5}
HEADER = ("question", "paraphrase", "style", "purpose")
Line = tuple[str, ...]


def ways(question: str, counts: Mapping[str, int], training: int = 0) -> list[Line]:
    """Lines of so many paraphrases of each style, and for training."""
    path = content_root() / "benchmarks" / "sample-facts" / "paraphrases.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["question"] == question]
    lines = [tuple(row[name] for name in HEADER) for row in rows]
    taken = [
        [line for line in lines if line[2] == style][:count] for style, count in counts.items()
    ]
    practice = [line for line in lines if line[3] == "training"][:training]
    return [line for some in (*taken, practice) for line in some]


def write(path: Path, header: Line, lines: list[Line]) -> Path:
    """A CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *lines])
    return path
