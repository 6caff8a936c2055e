"""What is asked of a paraphraser, what it proposes, and what speaks against a proposal.

A paraphraser is asked with a `ParaphraseRequest` for each fact and answers with `Candidate`s. Every
candidate is checked: without a `CandidateDoubt` it may enter a benchmark, with one it is asked for
again and at last left for a person. A paraphraser that cannot be reached gives no candidates; its
fact then has fewer paraphrases, and nothing else happens to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from unlearnbench.types import Estimate, Fact, Usage

STYLES = ("wording", "syntax", "situation")
"""The styles of paraphrases for evaluation, in the order in which they are asked."""
Purpose = Literal["evaluation", "training", "neighbour", "never", "indirect"]
"""What a paraphrase is for: nothing is trained on that is evaluated with. The others are whole
rows: retain facts about a subject and invented ones that were proposed, and indirect questions.
"""
FACT_PURPOSES: frozenset[Purpose] = frozenset({"neighbour", "never"})
INDIRECT: Purpose = "indirect"


UNREAD, UNCHECKED_LANGUAGE = "unread", "unchecked-language"
NOT_ITS_FAULT = frozenset({UNREAD, UNCHECKED_LANGUAGE})
"""Rules of doubts that say nothing against a text, only that nobody could tell."""


@dataclass(frozen=True, slots=True)
class ParaphraseRequest:
    """A fact and the candidates wanted for it.

    `evaluation`: how many candidates of each style; `training`: how many of any. `avoid`: texts
    that the fact has already, or that were refused, with the reason.
    """

    fact: Fact
    evaluation: Mapping[str, int]
    training: int = 0
    avoid: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proposed paraphrase of the question of the fact with id `fact`.

    `style` is None where the proposer names none, as in a user's own table, and for training.
    `origin` names the proposer: a paraphraser, or a table.
    """

    fact: str
    purpose: Purpose
    style: str | None
    text: str
    origin: str


@dataclass(frozen=True, slots=True)
class CandidateDoubt:
    """What speaks against a candidate.

    `rule` is a stable name, `what` says which words. `final`: no person can accept the text as it
    stands (the answer is in it, or it is there twice); it can only be mended or struck.
    """

    rule: str
    what: str
    final: bool = False


@dataclass(frozen=True, slots=True)
class CheckedCandidate:
    """A candidate with all doubts about it; it passes if there are none."""

    candidate: Candidate
    doubts: tuple[CandidateDoubt, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether it may enter a benchmark without being read by a person."""
        return not self.doubts


class Paraphraser(Protocol):
    """Proposes paraphrases."""

    @property
    def name(self) -> str:
        """Name by which it is selected (`gemini`, `openai:MODEL`, `file:TABLE`)."""
        ...

    @property
    def identity(self) -> str:
        """sha256 of everything that decides its proposals; stored with the benchmark."""
        ...

    @property
    def usage(self) -> Usage:
        """Calls, tokens and dollars so far."""
        ...

    def estimate(self, requests: Sequence[ParaphraseRequest]) -> Estimate:
        """The cost of these requests; makes no calls."""
        ...

    def propose(
        self, requests: Sequence[ParaphraseRequest]
    ) -> Iterator[tuple[ParaphraseRequest, tuple[Candidate, ...] | str]]:
        """Yield each request once, in any order, with its candidates or why there are none."""
        ...


class SecondReader(Protocol):
    """Says of a candidate whether it asks the same as its question."""

    @property
    def name(self) -> str:
        """Name by which it is selected."""
        ...

    @property
    def identity(self) -> str:
        """sha256 of everything that decides what it says."""
        ...

    @property
    def usage(self) -> Usage:
        """Calls, tokens and dollars so far."""
        ...

    def estimate(self, facts: Sequence[tuple[Fact, Sequence[str]]]) -> Estimate:
        """The cost of reading some texts of each fact; makes no calls."""
        ...

    def read(
        self, facts: Sequence[tuple[Fact, Sequence[str]]]
    ) -> Iterator[tuple[str, str, CandidateDoubt | None]]:
        """Yield (fact id, text, doubt) for each text once, in any order.

        A text that could not be read has a doubt of rule `unread`: it is never taken to pass.
        """
        ...


@dataclass(frozen=True, slots=True)
class Paraphrased:
    """A fact's paraphrases: those that passed, those in doubt, and why there are too few.

    `evaluation` and `training` passed, in the order of proposal. `wanted`: how many of each style
    were, None being training; `problem` why they could not be had.
    """

    fact: Fact
    evaluation: tuple[Candidate, ...]
    training: tuple[Candidate, ...]
    doubtful: tuple[CheckedCandidate, ...]
    problem: str = ""
    wanted: tuple[tuple[str | None, int], ...] = ()

    @property
    def missing(self) -> str:
        """What could not be had, those that a person let in counted; empty if nothing lacks."""
        if not self.wanted:
            return self.problem
        have = Counter[str | None](c.style for c in self.evaluation)
        have[None] = len(self.training)
        lacking = [(style, n - have[style]) for style, n in self.wanted if n > have[style]]
        if not lacking:
            return ""
        parts = ", ".join(f"{n} of {style or 'training'}" for style, n in lacking)
        return f"lacks {parts}" + (f": {self.problem}" if self.problem else "")
