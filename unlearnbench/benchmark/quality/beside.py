"""What lies beside a benchmark for its checks, outside its fingerprint: reviews and synonyms."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from unlearnbench.benchmark import plain
from unlearnbench.benchmark.jsonl import read_rows

REVIEWED = "reviewed.jsonl"
"""Paraphrases that a check would report and somebody has read and kept."""
SYNONYMS = "synonyms.jsonl"
"""Names of one thing, of which a paraphrase may use another than its question does."""

Rule = Literal["far", "clue", "frame", "start"]
"""What was reviewed: a meaning that looks far, an added clue, a frame that another fact shares, and
a beginning that several texts of a fact have.
"""
Reviewed = frozenset[tuple[str, str]]
"""Reviewed paraphrases as (fact, text)."""


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ReviewedRow(_Row):
    """One paraphrase that was reviewed and asks what its question asks, and no more."""

    fact: str
    text: str
    rule: Rule = "far"


class SynonymRow(_Row):
    """Two or more names of one thing."""

    names: Annotated[list[str], Field(min_length=2)]


def read_reviewed(folder: Path) -> Mapping[Rule, Reviewed]:
    """The reviewed paraphrases by rule. Raises `BenchmarkError` for a damaged list."""
    path = folder / REVIEWED
    rows = [row for row, _ in read_rows(path, ReviewedRow)] if path.exists() else []
    rules: tuple[Rule, ...] = get_args(Rule)
    return {rule: frozenset((r.fact, r.text) for r in rows if r.rule == rule) for rule in rules}


def read_synonyms(folder: Path) -> list[frozenset[str]]:
    """Groups of names, as `plain` leaves them. Raises `BenchmarkError` for a damaged table."""
    path = folder / SYNONYMS
    rows = [row for row, _ in read_rows(path, SynonymRow)] if path.exists() else []
    return [frozenset(map(plain, row.names)) for row in rows]
