"""The subjects of a user's facts: what was proposed about each, and how it was settled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from unlearnbench.authoring.facts import id_of
from unlearnbench.authoring.made import Tally
from unlearnbench.benchmark import plain
from unlearnbench.hashing import sha256_json
from unlearnbench.paraphrasing.candidates import (
    Candidate,
    CandidateDoubt,
    CheckedCandidate,
    Paraphrased,
    Purpose,
)
from unlearnbench.types import Fact, Split

DISAGREES = "second-answer"
"""Rule of the doubt about a fact whose answer a second reader does not give."""
_LONGEST_ID = 40


@dataclass(frozen=True, slots=True)
class Proposed:
    """Proposed facts of one kind.

    `doubtful` wait for a person, each with one candidate that stands for the fact. `left_out`
    counts the others by rule. `missing`: by topic, why there are fewer than wanted.
    """

    kept: tuple[Fact, ...] = ()
    doubtful: tuple[Paraphrased, ...] = ()
    left_out: Counter[str] = field(default_factory=Counter)
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def doubts(self) -> list[tuple[Fact, tuple[CandidateDoubt, ...]]]:
        """Every fact with what a person must decide about it: nothing for one that is kept."""
        kept = [(fact, tuple[CandidateDoubt, ...]()) for fact in self.kept]
        return kept + [(one.fact, one.doubtful[0].doubts) for one in self.doubtful]

    @property
    def tally(self) -> Tally:
        """The numbers alone."""
        return Tally(len(self.kept), len(self.doubtful), dict(self.left_out), self.missing)


@dataclass(slots=True)
class ForgetTopic:
    """A topic with its forget facts, and what has been proposed about it so far.

    `refused` are questions that are not to be proposed again, with the reason.
    """

    topic: str
    facts: list[Fact]
    wanted: int
    kept: list[Fact] = field(default_factory=list)
    doubtful: list[tuple[Fact, tuple[CandidateDoubt, ...]]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    problem: str = ""

    @property
    def lacks(self) -> int:
        """How many more are to be proposed; what waits for a person counts as there."""
        return max(0, self.wanted - len(self.kept) - len(self.doubtful))

    @property
    def proposed(self) -> list[Fact]:
        """What is kept or waits."""
        return [*self.kept, *(fact for fact, _ in self.doubtful)]


def subjects_of(facts: Sequence[Fact], wanted: int) -> list[ForgetTopic]:
    """A subject for each topic that is to be forgotten, in the order of the facts."""
    topics: dict[str, list[Fact]] = {}
    for fact in facts:
        if fact.split == "forget":
            topics.setdefault(fact.topic, []).append(fact)
    return [ForgetTopic(topic, some, wanted) for topic, some in topics.items()]


def proposed_fact(split: Split, tier: str | None, topic: str, question: str, answer: str) -> Fact:
    """A proposed fact; its id is made of its question and its answer, and is always the same."""
    kind = tier or split
    digest = sha256_json([plain(question), answer])[:6]
    name = f"{kind}-{id_of(question, _LONGEST_ID) or 'fact'}-{digest}"
    return Fact(name, split, topic, question, answer, tier=tier)


def waiting(fact: Fact, doubts: Sequence[CandidateDoubt], purpose: Purpose, by: str) -> Paraphrased:
    """A proposed fact as a row of a review."""
    candidate = Candidate(fact.id, purpose, None, fact.question, by)
    return Paraphrased(fact, (), (), (CheckedCandidate(candidate, tuple(doubts)),))
