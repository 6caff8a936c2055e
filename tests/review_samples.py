"""Facts with doubtful candidates, for the tests of the review."""

from __future__ import annotations

from collections.abc import Sequence

from unlearnbench.authoring.decisions import Choice, Decision, candidate_key
from unlearnbench.authoring.taking_up import Recheck
from unlearnbench.paraphrasing.candidates import (
    Candidate,
    CandidateDoubt,
    CheckedCandidate,
    Paraphrased,
    Purpose,
)
from unlearnbench.types import Fact

FAR = CandidateDoubt("other-meaning", "similarity 0.41")
CLUE = CandidateDoubt("added-clue", "'Norwegian'")
INSIDE = CandidateDoubt("answer-in-question", "holds 'Amundsen'", final=True)


def fact(name: str = "pole", question: str = "Who was first at the South Pole?") -> Fact:
    return Fact(name, "forget", "poles", question, "Roald Amundsen")


def candidate(
    text: str,
    of: str = "pole",
    purpose: Purpose = "evaluation",
    style: str | None = "wording",
    origin: str = "gemini",
) -> Candidate:
    return Candidate(of, purpose, style if purpose == "evaluation" else None, text, origin)


def doubtful(
    text: str, *doubts: CandidateDoubt, of: str = "pole", purpose: Purpose = "evaluation"
) -> CheckedCandidate:
    return CheckedCandidate(candidate(text, of, purpose), doubts or (FAR,))


def found(
    *some: CheckedCandidate, of: Fact | None = None, passed: Sequence[str] = ()
) -> Paraphrased:
    own = of or fact()
    evaluation = tuple(candidate(text, own.id) for text in passed)
    return Paraphrased(own, evaluation, (), some)


def decision(checked: CheckedCandidate, choice: Choice, text: str = "", by: str = "") -> Decision:
    rules = tuple(doubt.rule for doubt in checked.doubts)
    own = checked.candidate
    return Decision(candidate_key(own), own.fact, own.purpose, choice, rules, text, by)


def decided(*some: Decision) -> dict[str, Decision]:
    return {one.key: one for one in some}


def rechecking(*bad: str) -> Recheck:
    """A check that doubts every text with one of the `bad` words in it."""

    def check(asked: Sequence[tuple[Fact, Candidate]]) -> list[CheckedCandidate]:
        return [
            CheckedCandidate(own, (CLUE,) if any(word in own.text for word in bad) else ())
            for _, own in asked
        ]

    return check
