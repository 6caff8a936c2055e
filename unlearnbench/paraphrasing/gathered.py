"""What has been gathered for one fact so far, and what it still lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from unlearnbench.paraphrasing.candidates import (
    NOT_ITS_FAULT,
    STYLES,
    UNREAD,
    Candidate,
    CandidateDoubt,
    CheckedCandidate,
    Paraphrased,
    ParaphraseRequest,
)
from unlearnbench.types import Fact

SPARE = 2
"""Candidates that are asked for beyond those wanted, of each style and for training."""
_TRAINING = None
"""The style of candidates for training."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many paraphrases of each style a fact is to have, and how many for training."""

    evaluation: Mapping[str, int]
    training: int = 0

    @staticmethod
    def of(each: int, training: int) -> Wanted:
        """`each` of every style."""
        return Wanted(dict.fromkeys(STYLES, each), training)

    def __iter__(self) -> Iterator[tuple[str | None, int]]:
        """Each style with its number; None is training."""
        yield from self.evaluation.items()
        yield _TRAINING, self.training


@dataclass
class Gathered:
    """One fact's candidates, from first request to result.

    `proposed` and `problem` are those of the present round; `undecided` passed the checks.
    """

    fact: Fact
    wanted: Wanted
    proposed: tuple[Candidate, ...] = ()
    problem: str = ""
    undecided: list[CheckedCandidate] = field(default_factory=list)
    passed: list[Candidate] = field(default_factory=list)
    waiting: list[CheckedCandidate] = field(default_factory=list)
    """Nothing speaks against them, but nobody could tell: a person decides."""
    refused: list[CheckedCandidate] = field(default_factory=list)

    @property
    def lacks(self) -> bool:
        """Whether more must be asked for; what waits for a person counts as there."""
        return any(self._missing(self.passed, self.waiting).values())

    @property
    def texts(self) -> list[str]:
        """The texts that the fact has."""
        return [c.text for c in self.passed] + [w.candidate.text for w in self.waiting]

    @property
    def unread(self) -> list[str]:
        """The texts that passed the checks and wait for the second reader."""
        return [one.candidate.text for one in self.undecided]

    def request(self) -> ParaphraseRequest:
        """What the paraphraser is asked for."""
        lacking = self._missing(self.passed, self.waiting)
        asked = {style: n + SPARE for style, n in lacking.items() if n}
        training = asked.pop(_TRAINING, 0)
        own = [*(p.text for p in self.fact.paraphrases), *self.fact.train_paraphrases]
        avoid = dict.fromkeys([*own, *self.texts], "it is there already")
        avoid |= {r.candidate.text: "; ".join(map(_said, r.doubts)) for r in self.refused}
        return ParaphraseRequest(self.fact, {s: n for s, n in asked.items() if s}, training, avoid)

    def check(self, checked: Sequence[CheckedCandidate]) -> None:
        """Take the checks' result on what was proposed."""
        for one in checked:
            sound = all(doubt.rule in NOT_ITS_FAULT for doubt in one.doubts)
            (self.undecided if sound else self.refused).append(one)
        self.proposed = ()

    def read(self, doubts: Mapping[str, CandidateDoubt | None]) -> None:
        """Take the second reader's result, by text; a text without one is unread."""
        missing = CandidateDoubt(UNREAD, "nobody has read it a second time")
        for one in self.undecided:
            doubt = doubts.get(one.candidate.text, missing)
            whole = one if doubt is None else replace(one, doubts=(*one.doubts, doubt))
            if whole.passes:
                self.passed.append(whole.candidate)
            elif all(d.rule in NOT_ITS_FAULT for d in whole.doubts):
                self.waiting.append(whole)
            else:
                self.refused.append(whole)
        self.undecided = []

    def result(self) -> Paraphrased:
        """As many as are wanted, in the order of proposal; in doubt, what could fill a gap."""
        taken = [c for style, n in self.wanted for c in self._of(style, self.passed)[:n]]
        lacking = self._missing(self.passed, ())
        doubtful = [
            one
            for one in (*self.waiting, *self.refused)
            if lacking[one.candidate.style if one.candidate.purpose == "evaluation" else _TRAINING]
        ]
        return Paraphrased(
            fact=self.fact,
            evaluation=tuple(c for c in taken if c.purpose == "evaluation"),
            training=tuple(c for c in taken if c.purpose == "training"),
            doubtful=tuple(doubtful),
            problem=self.problem,
            wanted=tuple(self.wanted),
        )

    def _missing(
        self, passed: Sequence[Candidate], waiting: Sequence[CheckedCandidate]
    ) -> dict[str | None, int]:
        there = [*passed, *(one.candidate for one in waiting)]
        return {style: max(0, n - len(self._of(style, there))) for style, n in self.wanted}

    def _of(self, style: str | None, candidates: Sequence[Candidate]) -> list[Candidate]:
        purpose = "training" if style is _TRAINING else "evaluation"
        return [c for c in candidates if c.purpose == purpose and c.style == style]


def _said(doubt: CandidateDoubt) -> str:
    return f"{doubt.rule}: {doubt.what}"
