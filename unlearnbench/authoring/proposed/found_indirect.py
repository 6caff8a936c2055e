"""Indirect questions that were found: those that are kept, and those that wait for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from unlearnbench.authoring.decisions import Decisions, candidate_key
from unlearnbench.authoring.made import Tally
from unlearnbench.authoring.proposed.accepting import STRUCK
from unlearnbench.authoring.proposed.rules import REPEATS
from unlearnbench.benchmark import plain
from unlearnbench.benchmark.indirect import asked_elsewhere
from unlearnbench.benchmark.schema import IndirectRow
from unlearnbench.paraphrasing.candidates import (
    INDIRECT,
    Candidate,
    CandidateDoubt,
    CheckedCandidate,
    Paraphrased,
)
from unlearnbench.types import Fact, RelearnSet


@dataclass(frozen=True, slots=True)
class IndirectDoubt:
    """An indirect question that waits for a person; `origin`: a table, or who proposed it."""

    fact: Fact
    row: IndirectRow
    doubts: tuple[CandidateDoubt, ...]
    origin: str

    @property
    def candidate(self) -> Candidate:
        """The question with its answers, all of which a decision is about."""
        accepted = " | ".join((self.row.answer, *self.row.aliases))
        text = f"{self.row.question} — {accepted}"
        return Candidate(self.fact.id, INDIRECT, None, text, self.origin)

    @property
    def waiting(self) -> Paraphrased:
        """The question as a row of a review."""
        return Paraphrased(self.fact, (), (), (CheckedCandidate(self.candidate, self.doubts),))


@dataclass(frozen=True, slots=True)
class FoundIndirect:
    """Indirect questions of one origin. `left_out` counts others by rule; `missing`: by fact, why
    there are fewer than wanted.
    """

    kept: tuple[IndirectRow, ...] = ()
    doubtful: tuple[IndirectDoubt, ...] = ()
    left_out: Counter[str] = field(default_factory=Counter)
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def waiting(self) -> list[Paraphrased]:
        """What a person must decide, as rows of a review."""
        return [one.waiting for one in self.doubtful]

    @property
    def tally(self) -> Tally:
        """The numbers alone."""
        return Tally(len(self.kept), len(self.doubtful), dict(self.left_out), self.missing)

    def decided(self, decisions: Decisions) -> FoundIndirect:
        """The same with decisions taken up; an acceptance covers the doubts that were seen."""
        kept, doubtful, left_out = list(self.kept), [], self.left_out.copy()
        for one in self.doubtful:
            decision = decisions.get(candidate_key(one.candidate))
            seen = frozenset(decision.rules) if decision is not None else frozenset()
            if decision is not None and decision.choice == "strike":
                left_out[STRUCK] += 1
            elif decision is not None and all(
                doubt.rule in seen and not doubt.final for doubt in one.doubts
            ):
                kept.append(one.row)
            else:
                doubtful.append(one)
        return replace(self, kept=tuple(kept), doubtful=tuple(doubtful), left_out=left_out)

    def waiting_for(
        self, doubts: Mapping[str, CandidateDoubt], facts: Mapping[str, Fact], origin: str
    ) -> FoundIndirect:
        """The same with those questions in doubt, too, that `doubts` name."""
        more = [
            IndirectDoubt(facts[row.fact], row, (doubts[row.question],), origin)
            for row in self.kept
            if row.question in doubts
        ]
        kept = tuple(row for row in self.kept if row.question not in doubts)
        return replace(self, kept=kept, doubtful=(*self.doubtful, *more))

    def fitting(self, facts: Sequence[Fact], sets: Sequence[RelearnSet]) -> FoundIndirect:
        """The same without rows whose fact is not in a benchmark, or that it asks elsewhere."""
        asked, forget = asked_elsewhere(facts, sets), {f.id for f in facts if f.split == "forget"}
        own = {plain(row.question): row for row in self.kept if row.fact in forget}
        fit = [row for text, row in own.items() if text not in asked]
        left_out = self.left_out + Counter({REPEATS: len(own) - len(fit)})
        return replace(self, kept=tuple(fit), left_out=left_out)
