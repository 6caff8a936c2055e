"""Relearning sets of a benchmark that is made: what ships, and what its own rows give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from unlearnbench.authoring.general import GENERAL, SHIPPED, forget_answers
from unlearnbench.benchmark import holds, load_benchmark, plain
from unlearnbench.benchmark.schema import HalfRow, PairRow, RelearnDeclaration
from unlearnbench.types import Fact, Pair, RelearnKind, RelearnSet

DISJOINT = "disjoint"
FEWEST = 4
"""Rows below which a set trains on next to nothing."""


@dataclass(frozen=True, slots=True)
class MadeSet:
    """A relearning set: its rows as the lines of its file."""

    name: str
    kind: RelearnKind
    lines: tuple[str, ...]

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"relearn-{self.name}.jsonl"

    @property
    def text(self) -> str:
        """The content of its file."""
        return "".join(f"{line}\n" for line in self.lines)

    @property
    def asks(self) -> RelearnSet:
        """The set with what it asks."""
        rows = [PairRow.model_validate_json(line) for line in self.lines if self.kind == "pairs"]
        pairs = tuple(Pair(row.question, row.answer) for row in rows)
        return RelearnSet(self.name, self.kind, pairs=pairs)

    @property
    def declaration(self) -> RelearnDeclaration:
        """What `benchmark.toml` says of it."""
        return RelearnDeclaration(file=self.file, kind=self.kind, rows=len(self.lines))


def relearn_sets(facts: Sequence[Fact]) -> list[MadeSet]:
    """The sets that a benchmark's facts allow.

    `disjoint`: general questions that ship, none of which holds a forget answer or is one of the
    benchmark's. `near`: the user's own retain facts about a topic that is to be forgotten. `half`:
    every second forget fact, with the others scored.
    """
    forget = [fact for fact in facts if fact.split == "forget"]
    answers = forget_answers(facts)
    topics = {fact.topic for fact in forget}
    own = (f for f in facts if f.split == "retain" and f.tier != GENERAL and f.topic in topics)
    near = [
        PairRow(id=f"near-{number}", topic=fact.topic, question=fact.question, answer=fact.answer)
        for number, fact in enumerate(own, start=1)
        if not _holds_any((fact.question, fact.answer), answers)
    ]
    half = [HalfRow(fact=fact.id) for fact in forget[::2]]
    sets = [
        MadeSet(DISJOINT, "pairs", tuple(_lines(_disjoint(facts, answers)))),
        MadeSet("near", "pairs", tuple(_lines(near))),
        MadeSet("half", "half", tuple(_lines(half)) if len(forget) > 1 else ()),
    ]
    return [one for one in sets if len(one.lines) >= (1 if one.kind == "half" else FEWEST)]


def _disjoint(facts: Sequence[Fact], answers: Sequence[str]) -> Iterator[PairRow]:
    asked = {plain(fact.question) for fact in facts}
    shipped = next(s for s in load_benchmark(SHIPPED).relearn if s.name == DISJOINT)
    fit: Iterator[Pair] = (
        pair
        for pair in shipped.pairs
        if plain(pair.question) not in asked
        and not _holds_any((pair.question, pair.answer), answers)
    )
    for number, pair in enumerate(fit, start=1):
        name = f"{DISJOINT}-{number}"
        yield PairRow(id=name, topic=GENERAL, question=pair.question, answer=pair.answer)


def _holds_any(texts: Sequence[str], answers: Sequence[str]) -> bool:
    return any(holds(text, answer) for text in texts for answer in answers)


def _lines(rows: Iterator[PairRow] | Sequence[PairRow | HalfRow]) -> Iterator[str]:
    return (row.model_dump_json() for row in rows)
