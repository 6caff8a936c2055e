"""What is in a benchmark, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from unlearnbench.benchmark.known_by import KnownBy, read_known_by
from unlearnbench.benchmark.load import Benchmark
from unlearnbench.types import Fact


@dataclass(frozen=True, slots=True)
class SplitContents:
    """One split: its facts, all paraphrases of them for evaluation and for training, and how many
    facts each tier and each topic has.
    """

    facts: int
    paraphrases: int
    train_paraphrases: int
    tiers: Mapping[str, int]
    topics: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Contents:
    """A benchmark's declaration and counts.

    `indirect` counts indirect questions, which have a fingerprint of their own, empty without any.
    `relearn` is rows by relearning set; `forgotten` says of topics what is forgotten. `known_by`:
    which forget facts models answer, for this version; `unknown`: facts that none of them does.
    """

    id: str
    version: str
    title: str
    fingerprint: str
    styles: tuple[str, ...]
    profile: str
    judge: str
    splits: Mapping[str, SplitContents]
    forms: int
    indirect: int
    indirect_fingerprint: str
    relearn: Mapping[str, int]
    forgotten: Mapping[str, str]
    known_by: tuple[KnownBy, ...]
    unknown: tuple[str, ...]


def contents_of(benchmark: Benchmark) -> Contents:
    """Count what is in a benchmark. Raises `BenchmarkError` for a damaged table beside it."""
    known_by = [r for r in read_known_by(benchmark.folder) if r.version == benchmark.version]
    known = {fact for row in known_by for fact in (*row.original, *row.reworded)}
    splits = dict.fromkeys(fact.split for fact in benchmark.facts)
    return Contents(
        id=benchmark.id,
        version=benchmark.version,
        title=benchmark.title,
        fingerprint=benchmark.fingerprint,
        styles=tuple(benchmark.styles),
        profile=benchmark.profile,
        judge=benchmark.judge,
        splits={
            split: _split([f for f in benchmark.facts if f.split == split]) for split in splits
        },
        forms=len(benchmark.forms),
        indirect=len(benchmark.indirect),
        indirect_fingerprint=benchmark.indirect_fingerprint,
        relearn={
            part.name: len(part.pairs) + len(part.texts) + len(part.half)
            for part in benchmark.relearn
        },
        forgotten=benchmark.topics,
        known_by=tuple(known_by),
        unknown=tuple(f.id for f in benchmark.split("forget") if f.id not in known),
    )


def _split(facts: list[Fact]) -> SplitContents:
    return SplitContents(
        facts=len(facts),
        paraphrases=sum(len(fact.paraphrases) for fact in facts),
        train_paraphrases=sum(len(fact.train_paraphrases) for fact in facts),
        tiers=dict(Counter(fact.tier for fact in facts if fact.tier is not None)),
        topics=dict(Counter(fact.topic for fact in facts)),
    )
