"""Ask for proposed facts in rounds, and settle each: kept, left to a person, or left out.

A round waits for all replies, and goes through them in the order of the subjects: the result
depends on what was replied, not on when. What was left out is asked for again, with the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from unlearnbench.authoring.proposed.base_model import AskedBase, BaseAnswer
from unlearnbench.authoring.proposed.rules import FactRules, usable_aliases
from unlearnbench.authoring.proposed.second_answers import second_answers
from unlearnbench.authoring.proposed.subjects import (
    ForgetTopic,
    Proposed,
    proposed_fact,
    subjects_of,
    waiting,
)
from unlearnbench.paraphrasing.candidates import CandidateDoubt, Purpose
from unlearnbench.paraphrasing.finding import ROUNDS, OnRound
from unlearnbench.paraphrasing.llm.items import AskedModel
from unlearnbench.paraphrasing.llm.tasks import BareAnswer, Proposals, proposals_item
from unlearnbench.types import Fact, Split

SPARE_RULE = "spare"
"""Rule by which facts are left out that are more than were wanted."""
SPARE = 2
"""Facts that are asked for beyond those wanted, for each subject."""


@dataclass(frozen=True, slots=True)
class GivenAnswers:
    """What was said of a proposed fact: by the base model, and by a second reader that saw only
    the question. None where nobody was asked; a text where there was no answer, and why.
    """

    base: BaseAnswer | None
    second: BareAnswer | str | None


Settled = CandidateDoubt | tuple[CandidateDoubt, ...]
"""Why a fact is left out; or what a person must decide, nothing for a fact that is kept."""
Settle = Callable[[Fact, GivenAnswers], Settled]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of proposed facts: what they become, and what decides about each."""

    purpose: Purpose
    split: Split
    tier: str | None
    settle: Settle


@dataclass(frozen=True, slots=True)
class Askers:
    """Who is asked: the proposer, and to check each fact a second reader and the base model."""

    proposer: AskedModel[Proposals]
    second: AskedModel[BareAnswer] | None
    base: AskedBase | None


def propose_facts(
    facts: Sequence[Fact],
    wanted: int,
    kind: Kind,
    askers: Askers,
    rules: FactRules,
    on_round: OnRound,
) -> Proposed:
    """`wanted` facts of a kind for each subject of the user's facts, as far as they can be had."""
    subjects = subjects_of(facts, wanted)
    left_out: Counter[str] = Counter()
    for _ in range(ROUNDS):
        lacking = [subject for subject in subjects if subject.lacks]
        if not lacking:
            break
        proposals = _proposals(lacking, kind, askers.proposer, on_round)
        there = [fact for subject in subjects for fact in subject.proposed]
        left_out += _settle_round(lacking, proposals, there, kind, askers, rules)
    return _result(subjects, kind, askers.proposer.name, left_out)


def _proposals(
    subjects: Sequence[ForgetTopic], kind: Kind, proposer: AskedModel[Proposals], on_round: OnRound
) -> dict[str, list[Fact]]:
    """What is proposed for each topic in this round."""
    items = {
        s.topic: proposals_item(proposer, s.facts, s.lacks + SPARE, _avoid(s)) for s in subjects
    }
    replies = proposer.ask_all(list(items.values()))
    found: dict[str, list[Fact]] = {}
    for number, subject in enumerate(subjects, start=1):
        reply = replies[items[subject.topic].id]
        subject.problem = reply if isinstance(reply, str) else ""
        found[subject.topic] = [
            replace(
                proposed_fact(kind.split, kind.tier, subject.topic, one.question, one.answer),
                aliases=usable_aliases(one.aliases),
            )
            for one in (() if isinstance(reply, str) else reply)
        ]
        on_round(f"proposing {kind.purpose}", number, len(subjects))
    return found


def _avoid(subject: ForgetTopic) -> Mapping[str, str]:
    there = dict.fromkeys((fact.question for fact in subject.proposed), "it is there already")
    return {**there, **subject.refused}


def _settle_round(
    subjects: Sequence[ForgetTopic],
    proposals: Mapping[str, Sequence[Fact]],
    there: Sequence[Fact],
    kind: Kind,
    askers: Askers,
    rules: FactRules,
) -> Counter[str]:
    """Decide about the proposals of a round; the reasons for which some are left out, counted."""
    every = [fact for subject in subjects for fact in proposals[subject.topic]]
    refusals = dict(zip(map(id, every), rules.refusals(every, there), strict=True))
    sound = [fact for fact in every if refusals[id(fact)] is None]
    given = _given_answers(sound, askers)
    left_out: Counter[str] = Counter()
    for subject in subjects:
        fit: list[tuple[Fact, tuple[CandidateDoubt, ...]]] = []
        for fact in proposals[subject.topic]:
            settled = refusals[id(fact)] or kind.settle(fact, given[fact.id])
            if isinstance(settled, CandidateDoubt):
                left_out[settled.rule] += 1
                subject.refused[fact.question] = f"{settled.rule}: {settled.what}"
            else:
                fit.append((fact, settled))
        left_out[SPARE_RULE] += _take(subject, fit)
    return +left_out


def _take(subject: ForgetTopic, fit: Sequence[tuple[Fact, tuple[CandidateDoubt, ...]]]) -> int:
    """Take as many as are wanted, first those that no person has to decide about; how many are
    left over.
    """
    sure = [fact for fact, doubts in fit if not doubts][: subject.lacks]
    subject.kept += sure
    unsure = [one for one in fit if one[1]][: subject.lacks]
    subject.doubtful += unsure
    return len(fit) - len(sure) - len(unsure)


def _given_answers(facts: Sequence[Fact], askers: Askers) -> Mapping[str, GivenAnswers]:
    base = {} if askers.base is None else askers.base.answers(facts)
    second: Mapping[str, BareAnswer | str] = {}
    if askers.second is not None:
        asked = {fact.question: (fact.answer, *fact.aliases) for fact in facts}
        second = second_answers(askers.second, asked)
    return {fact.id: GivenAnswers(base.get(fact.id), second.get(fact.question)) for fact in facts}


def _result(
    subjects: Sequence[ForgetTopic], kind: Kind, by: str, left_out: Counter[str]
) -> Proposed:
    few = {
        s.topic: f"{s.lacks} of {s.wanted} lack" + (f": {s.problem}" if s.problem else "")
        for s in subjects
        if s.lacks
    }
    return Proposed(
        kept=tuple(fact for subject in subjects for fact in subject.kept),
        doubtful=tuple(
            waiting(fact, doubts, kind.purpose, by)
            for subject in subjects
            for fact, doubts in subject.doubtful
        ),
        left_out=left_out,
        missing=few,
    )
