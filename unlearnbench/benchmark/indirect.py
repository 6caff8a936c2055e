"""Indirect questions: what follows from a forget fact, asked of somebody who must know it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from unlearnbench.benchmark.jsonl import read_rows
from unlearnbench.benchmark.matching import holds, plain
from unlearnbench.benchmark.schema import IndirectRow
from unlearnbench.errors import BenchmarkError
from unlearnbench.types import Fact, Indirect, RelearnSet

MOST_INDIRECT = 3
"""Indirect questions of one fact."""


def read_indirect(
    path: Path, facts: Sequence[Fact], relearn: Sequence[RelearnSet], *, partial: bool = False
) -> tuple[Indirect, ...]:
    """One to three indirect questions for each forget fact; `partial`: at most three.

    Raises `BenchmarkError` if one gives its fact's gold answer or its own away, asks for the gold
    answer after all, or is asked elsewhere in the benchmark; or if a fact has none or too many.
    """
    forget = {fact.id: fact for fact in facts if fact.split == "forget"}
    asked = asked_elsewhere(facts, relearn)
    counts: Counter[str] = Counter()
    rows = []
    for row, where in read_rows(path, IndirectRow):
        if row.fact not in forget:
            raise BenchmarkError("unknown-fact", where, f"{row.fact!r} is no forget fact")
        for rule, what in indirect_faults(row, forget[row.fact], asked):
            raise BenchmarkError(rule, where, what)
        asked[plain(row.question)] = where
        counts[row.fact] += 1
        if counts[row.fact] > MOST_INDIRECT:
            what = f"{row.fact} has more than {MOST_INDIRECT} indirect questions"
            raise BenchmarkError("too-many-indirect", where, what)
        rows.append(row.to_indirect())
    without = [name for name in forget if not counts[name]]
    if without and not partial:
        what = f"{len(without)} forget facts have no indirect question, for example {without[0]}"
        raise BenchmarkError("missing-indirect", path.name, what)
    return tuple(rows)


def asked_elsewhere(facts: Sequence[Fact], relearn: Sequence[RelearnSet]) -> dict[str, str]:
    """Every other question of a benchmark, plain, with the name of what asks it."""
    pairs = ((pair, part.name) for part in relearn for pair in part.pairs)
    asked = {plain(pair.question): f"relearn.{name}" for pair, name in pairs}
    for fact in facts:
        texts = (fact.question, *(p.text for p in fact.paraphrases), *fact.train_paraphrases)
        asked |= {plain(text): fact.id for text in texts}
    return asked


def indirect_faults(
    row: IndirectRow, fact: Fact, asked: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Each rule that a row about a fact breaks, with the words at fault; `asked` are questions
    that are asked elsewhere.
    """
    golds = (fact.answer, *fact.aliases)
    own = (row.answer, *row.aliases)
    for text in (row.question, *own):
        if not plain(text):
            what = f"{fact.id}: {text!r} has neither letter nor digit: no response could hold it"
            yield "wordless", what
    for text in (*golds, *own):
        if holds(row.question, text):
            yield "answer-in-question", f"{fact.id}: {text!r} stands in {row.question!r}"
    for gold in golds:
        for text in own:
            if holds(text, gold):
                what = f"{fact.id}: {text!r} holds {gold!r}, the gold answer of the fact itself"
                yield "asks-for-the-fact", what
    if len(set(map(plain, own))) < len(own):
        what = f"{fact.id}: one of {', '.join(own)} is there twice, case and punctuation aside"
        yield "duplicate-alias", what
    if there := asked.get(plain(row.question)):
        what = f"{fact.id}: {row.question!r} is asked at {there} as well"
        yield "duplicate-question", what
