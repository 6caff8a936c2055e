"""All checks of a benchmark's rows."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from unlearnbench.benchmark import Benchmark
from unlearnbench.benchmark.jsonl import read_rows
from unlearnbench.benchmark.quality.breaches import Breach
from unlearnbench.benchmark.quality.facts import check_facts
from unlearnbench.benchmark.quality.meaning import check_meaning
from unlearnbench.benchmark.quality.paraphrases import check_paraphrases, mean_overlap

REVIEWED = "reviewed.jsonl"
"""Beside `benchmark.toml`: paraphrases that look far from their question and were reviewed."""


class ReviewedRow(BaseModel):
    """One paraphrase that was reviewed and asks what its question asks."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    fact: str
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """What the checks found; `reviewed` counts paraphrases kept after reading, `overlap`
    is the highest mean word overlap of any fact's paraphrases.
    """

    findings: tuple[Breach, ...]
    facts: int
    paraphrases: int
    reviewed: int
    overlap: float


def check_benchmark(benchmark: Benchmark) -> Report:
    """Run every check. Raises `BenchmarkError` if the review list is damaged or out of date, or
    the embedding model is not installed.
    """
    reviewed = _reviewed(benchmark)
    paraphrases = {
        (fact.id, text)
        for fact in benchmark.facts
        for text in (*(p.text for p in fact.paraphrases), *fact.train_paraphrases)
    }
    stale = [
        Breach("stale-review", fact, f"{text!r} is no paraphrase; drop it from {REVIEWED}")
        for fact, text in sorted(reviewed - paraphrases)
    ]
    findings = (
        *stale,
        *check_paraphrases(benchmark.facts),
        *check_facts(benchmark.facts),
        *check_meaning(benchmark.facts, reviewed),
    )
    return Report(
        findings=findings,
        facts=len(benchmark.facts),
        paraphrases=len(paraphrases),
        reviewed=len(reviewed),
        overlap=max((mean_overlap(fact) for fact in benchmark.facts), default=0.0),
    )


def _reviewed(benchmark: Benchmark) -> frozenset[tuple[str, str]]:
    path = benchmark.folder / REVIEWED
    if not path.exists():
        return frozenset()
    return frozenset((row.fact, row.text) for row, _ in read_rows(path, ReviewedRow))
