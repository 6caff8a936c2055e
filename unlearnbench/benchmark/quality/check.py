"""All checks of a benchmark's rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from unlearnbench.benchmark import Benchmark
from unlearnbench.benchmark.quality.aliases import check_aliases
from unlearnbench.benchmark.quality.beside import (
    REVIEWED,
    Reviewed,
    Rule,
    read_reviewed,
    read_synonyms,
)
from unlearnbench.benchmark.quality.breaches import Breach, JudgeRules, every_text
from unlearnbench.benchmark.quality.clues import check_clues
from unlearnbench.benchmark.quality.facts import check_facts
from unlearnbench.benchmark.quality.frames import check_frames
from unlearnbench.benchmark.quality.indirect import check_indirect
from unlearnbench.benchmark.quality.meaning import check_meaning
from unlearnbench.benchmark.quality.paraphrases import check_paraphrases, mean_overlap
from unlearnbench.benchmark.quality.reverse import check_reverse

NOTED = ("added-clue", "bare-name", "shared-frame")
"""Rules that only forget facts must keep; elsewhere a breach makes nothing look forgotten."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the checks found.

    `notes`: breaches of rules that only forget facts must keep, by others. `reviewed` counts
    paraphrases kept after reading; `overlap` is the highest mean word overlap of any fact's
    paraphrases.
    """

    findings: tuple[Breach, ...]
    notes: tuple[Breach, ...]
    facts: int
    paraphrases: int
    reviewed: int
    overlap: float


def check_benchmark(benchmark: Benchmark, judge: JudgeRules) -> Report:
    """Run every check. Raises `BenchmarkError` if a table beside the benchmark is damaged, or the
    embedding model is not installed.
    """
    facts = benchmark.facts
    reviewed = read_reviewed(benchmark.folder)
    forgotten = {fact.id for fact in benchmark.split("forget")}
    findings: list[Breach] = []
    notes: list[Breach] = []
    for breach in _breaches(benchmark, judge, reviewed):
        noted = breach.rule in NOTED and breach.fact not in forgotten
        (notes if noted else findings).append(breach)
    return Report(
        findings=tuple(findings),
        notes=tuple(notes),
        facts=len(facts),
        paraphrases=len(_paraphrases(benchmark)),
        reviewed=len(frozenset().union(*reviewed.values())),
        overlap=max((mean_overlap(fact) for fact in facts), default=0.0),
    )


def _breaches(
    benchmark: Benchmark, judge: JudgeRules, reviewed: Mapping[Rule, Reviewed]
) -> Iterator[Breach]:
    facts = benchmark.facts
    yield from _stale(benchmark, reviewed)
    yield from check_paraphrases(facts, reviewed["start"])
    yield from check_facts(facts)
    yield from check_aliases(facts, judge)
    yield from check_clues(facts, read_synonyms(benchmark.folder), reviewed["clue"])
    for split in dict.fromkeys(fact.split for fact in facts):
        yield from check_frames(benchmark.split(split), reviewed["frame"])
    yield from check_reverse(benchmark, judge)
    yield from check_indirect(benchmark, judge)
    yield from check_meaning(facts, reviewed["far"])


def _stale(benchmark: Benchmark, reviewed: Mapping[Rule, Reviewed]) -> Iterator[Breach]:
    kept = frozenset().union(*reviewed.values())
    for fact, text in sorted(kept - _paraphrases(benchmark)):
        what = f"{text!r} is no paraphrase; drop it from {REVIEWED}"
        yield Breach("stale-review", fact, what)


def _paraphrases(benchmark: Benchmark) -> frozenset[tuple[str, str]]:
    """Every paraphrase as (fact, text)."""
    return frozenset((f.id, text) for f in benchmark.facts for text in every_text(f)[1:])
