"""What lies in `making/` beside a benchmark: what it was made of, and everything that was found."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import ClassVar, Self

from unlearnbench.benchmark.validation import Located
from unlearnbench.hashing import sha256_json
from unlearnbench.paraphrasing.candidates import CandidateDoubt, CheckedCandidate, Paraphrased
from unlearnbench.runs.schema.base import Bool, Convert, Count, Part, Record
from unlearnbench.types import Fact

_NOTHING_PROPOSED: Mapping[str, object] = {
    "neighbours": 0,
    "never": 0,
    "for_attacks": False,
    "proposals": "",
    "base": "",
    "base_fingerprint": "",
}
"""What was asked for beside paraphrases before version 2."""


class MakingRecord(Record):
    """`making/request.json`: everything that decides what a benchmark holds.

    `facts` is the sha256 of the table's facts as they were read, `paraphrases` the identity of the
    paraphraser, `readings` that of the second reader; both of its fields are empty without one.
    `proposals` is the identity of whoever proposed facts and rows and read them; `base` names the
    model that was asked whether it knows them. `forms` is the sha256 of the user's own forms.
    Indirect questions have a fingerprint of their own, and may be others the next time.
    """

    VERSION: ClassVar[int] = 3
    OLDER: ClassVar[Mapping[int, Convert]] = {
        1: lambda data: {**data, **_NOTHING_PROPOSED},
        2: lambda data: {**data, "forms": ""},
    }

    id: str
    title: str
    table: str
    facts: str
    paraphraser: str
    paraphrases: str
    second_reader: str
    readings: str
    judge: str
    general_retain: Count
    private: Bool
    neighbours: Count
    never: Count
    for_attacks: Bool
    proposals: str
    base: str
    base_fingerprint: str
    forms: str

    @property
    def identity(self) -> str:
        """The identity of whoever proposed anything, for the benchmark's declaration."""
        if not self.proposals:
            return self.paraphrases
        return sha256_json([self.paraphrases, self.proposals])


class WrittenRecord(Record):
    """`making/written.json`: the sha256 of every state of each file that was ever written here."""

    VERSION: ClassVar[int] = 1
    OLDER: ClassVar[Mapping[int, Convert]] = {}

    files: dict[str, tuple[str, ...]]


class FactLine(Part):
    """A line of `making/facts.jsonl`: a fact as it was read, and its `file:row`."""

    where: str
    id: str
    split: str
    topic: str
    tier: str | None
    question: str
    answer: str
    aliases: tuple[str, ...]

    @classmethod
    def of(cls, fact: Fact, where: str) -> Self:
        """The line of a fact."""
        return cls(
            where=where,
            id=fact.id,
            split=fact.split,
            topic=fact.topic,
            tier=fact.tier,
            question=fact.question,
            answer=fact.answer,
            aliases=fact.aliases,
        )


class DoubtPart(Part):
    """A doubt about a candidate."""

    rule: str
    what: str
    final: Bool

    @classmethod
    def of(cls, doubt: CandidateDoubt) -> Self:
        """A doubt, to be stored."""
        return cls(rule=doubt.rule, what=doubt.what, final=doubt.final)


class CandidateLine(Part):
    """A line of `making/candidates.jsonl`: a candidate, its doubts, and whether it was taken."""

    fact: str
    purpose: str
    style: str | None
    text: str
    origin: str
    taken: Bool
    doubts: tuple[DoubtPart, ...]

    @classmethod
    def of(cls, checked: CheckedCandidate, taken: bool) -> Self:
        """The line of a candidate."""
        candidate = checked.candidate
        return cls(
            fact=candidate.fact,
            purpose=candidate.purpose,
            style=candidate.style,
            text=candidate.text,
            origin=candidate.origin,
            taken=taken,
            doubts=tuple(map(DoubtPart.of, checked.doubts)),
        )


class ProposalLine(Part):
    """A line of `making/proposed.jsonl`: a fact that a model proposed, kept unless in doubt."""

    kind: str
    fact: str
    topic: str
    question: str
    answer: str
    aliases: tuple[str, ...]
    doubts: tuple[DoubtPart, ...]


def proposal_lines(kind: str, facts: Iterable[tuple[Fact, Iterable[CandidateDoubt]]]) -> str:
    """The lines of `making/proposed.jsonl` about one kind of facts, each with what is in doubt."""
    return _lines(
        ProposalLine(
            kind=kind,
            fact=fact.id,
            topic=fact.topic,
            question=fact.question,
            answer=fact.answer,
            aliases=fact.aliases,
            doubts=tuple(map(DoubtPart.of, doubts)),
        )
        for fact, doubts in facts
    )


def fact_lines(located: Iterable[Located]) -> str:
    """The content of `making/facts.jsonl`."""
    return _lines(FactLine.of(fact, where) for fact, where in located)


def candidate_lines(found: Iterable[Paraphrased], facts: Mapping[str, Fact]) -> str:
    """The content of `making/candidates.jsonl`; `facts` are those of the benchmark, by id."""
    return _lines(
        CandidateLine.of(checked, checked.candidate.text in _texts(facts.get(p.fact.id)))
        for p in found
        for checked in (*map(CheckedCandidate, (*p.evaluation, *p.training)), *p.doubtful)
    )


def _texts(fact: Fact | None) -> set[str]:
    return set() if fact is None else {*(p.text for p in fact.paraphrases), *fact.train_paraphrases}


def _lines(parts: Iterable[Part]) -> str:
    return "".join(
        json.dumps(part.model_dump(mode="json"), ensure_ascii=False) + "\n" for part in parts
    )
