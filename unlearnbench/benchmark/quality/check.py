"""All checks of a benchmark's rows."""

from __future__ import annotations

from dataclasses import dataclass

from unlearnbench.benchmark import Benchmark
from unlearnbench.benchmark.quality.beside import REVIEWED, read_reviewed, read_synonyms
from unlearnbench.benchmark.quality.breaches import Breach, every_text
from unlearnbench.benchmark.quality.clues import check_clues
from unlearnbench.benchmark.quality.facts import check_facts
from unlearnbench.benchmark.quality.meaning import check_meaning
from unlearnbench.benchmark.quality.paraphrases import check_paraphrases, mean_overlap


@dataclass(frozen=True, slots=True)
class Report:
    """What the checks found.

    `notes` are added clues of facts that are not to be forgotten, which make nothing look
    forgotten; `reviewed` counts paraphrases kept after reading; `overlap` is the highest mean word
    overlap of any fact's paraphrases.
    """

    findings: tuple[Breach, ...]
    notes: tuple[Breach, ...]
    facts: int
    paraphrases: int
    reviewed: int
    overlap: float


def check_benchmark(benchmark: Benchmark) -> Report:
    """Run every check. Raises `BenchmarkError` if a table beside the benchmark is damaged, or the
    embedding model is not installed.
    """
    facts = benchmark.facts
    reviewed = read_reviewed(benchmark.folder)
    paraphrases = {(fact.id, text) for fact in facts for text in every_text(fact)[1:]}
    kept = frozenset().union(*reviewed.values())
    stale = [
        Breach("stale-review", fact, f"{text!r} is no paraphrase; drop it from {REVIEWED}")
        for fact, text in sorted(kept - paraphrases)
    ]
    forgotten = {fact.id for fact in benchmark.split("forget")}
    clues = list(check_clues(facts, read_synonyms(benchmark.folder), reviewed["clue"]))
    findings = (
        *stale,
        *check_paraphrases(facts),
        *check_facts(facts),
        *(clue for clue in clues if clue.fact in forgotten),
        *check_meaning(facts, reviewed["far"]),
    )
    return Report(
        findings=findings,
        notes=tuple(clue for clue in clues if clue.fact not in forgotten),
        facts=len(facts),
        paraphrases=len(paraphrases),
        reviewed=len(kept),
        overlap=max((mean_overlap(fact) for fact in facts), default=0.0),
    )
