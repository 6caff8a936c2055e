"""Ask a paraphraser for candidates, check them, and keep apart what is in doubt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from unlearnbench.authoring.choosing import FULL
from unlearnbench.benchmark import plain
from unlearnbench.paraphrasing.candidates import (
    STYLES,
    Candidate,
    CandidateDoubt,
    CheckedCandidate,
    Paraphrased,
    Paraphraser,
    ParaphraseRequest,
    SecondReader,
)
from unlearnbench.paraphrasing.checks import Proposal, check_proposals
from unlearnbench.paraphrasing.finding import OnRound, find_paraphrases
from unlearnbench.paraphrasing.gathered import Wanted
from unlearnbench.paraphrasing.table import TableParaphraser
from unlearnbench.types import Fact

PER_STYLE, TRAINING = 5, 10
"""Paraphrases taken of each style for evaluation, and for training, from a user's table."""
WANTED = Wanted.of(PER_STYLE, 5)
"""Paraphrases that a model is asked for."""


def gather(
    facts: Sequence[Fact],
    paraphraser: Paraphraser | None,
    second_reader: SecondReader | None,
    on_round: OnRound,
    proposed: Sequence[Fact] = (),
) -> list[Paraphrased]:
    """Each fact with the paraphrases that were proposed for it; with none without a paraphraser.

    A user's own table is read by nobody a second time: a person wrote it. `proposed` are further
    facts, which a model proposed; they get as many as their split has in full.
    """
    if paraphraser is None:
        return [Paraphrased(fact, (), (), ()) for fact in facts]
    if isinstance(paraphraser, TableParaphraser):
        wanted = dict.fromkeys(STYLES, PER_STYLE)
        requests = [ParaphraseRequest(fact, wanted, TRAINING) for fact in facts]
        found = {p.fact.id: p for p in _paraphrased(paraphraser, requests, facts)}
        return _apart([found[fact.id] for fact in facts])
    every, other = [*facts, *proposed], wanted_of(proposed)
    return _apart(find_paraphrases(every, WANTED, paraphraser, second_reader, on_round, other))


def wanted_of(proposed: Sequence[Fact]) -> dict[str, Wanted]:
    """How many paraphrases proposed facts are to have, by id."""
    return {
        fact.id: Wanted.of(FULL[fact.split] // len(STYLES), WANTED.training) for fact in proposed
    }


def recheck(
    mended: Sequence[tuple[Fact, Candidate]], facts: Sequence[Fact]
) -> list[CheckedCandidate]:
    """Check what a person wrote, each text beside its fact; `facts` are all of the table's."""
    proposals = [Proposal(fact, [candidate]) for fact, candidate in mended]
    return [checked for (checked,) in check_proposals(proposals, facts)]


def _paraphrased(
    paraphraser: Paraphraser, requests: Sequence[ParaphraseRequest], facts: Sequence[Fact]
) -> Iterator[Paraphrased]:
    proposals = []
    for request, proposed in paraphraser.propose(requests):
        if isinstance(proposed, str):
            yield Paraphrased(request.fact, (), (), (), proposed)
        else:
            proposals.append(Proposal(request.fact, proposed))
    # All at once: a check that loads a model loads it once.
    for proposal, checked in zip(proposals, check_proposals(proposals, facts), strict=True):
        passed = [one.candidate for one in checked if one.passes]
        yield Paraphrased(
            fact=proposal.fact,
            evaluation=tuple(c for c in passed if c.purpose == "evaluation"),
            training=tuple(c for c in passed if c.purpose == "training"),
            doubtful=tuple(one for one in checked if not one.passes),
        )


def _apart(found: Sequence[Paraphrased]) -> list[Paraphrased]:
    """No text asks two facts: the first fact keeps it, those to be forgotten before the others."""
    owners: dict[str, str] = {}
    for one in sorted(found, key=lambda p: p.fact.split != "forget"):
        for text in (one.fact.question, *(c.text for c in (*one.evaluation, *one.training))):
            owners.setdefault(plain(text), one.fact.id)
    return [_without_others(one, owners) for one in found]


def _without_others(found: Paraphrased, owners: dict[str, str]) -> Paraphrased:
    def mine(candidate: Candidate) -> bool:
        return owners[plain(candidate.text)] == found.fact.id

    others = [c for c in (*found.evaluation, *found.training) if not mine(c)]
    doubts = (
        CheckedCandidate(
            c,
            (
                CandidateDoubt(
                    "shared-wording", f"it also asks {owners[plain(c.text)]}", final=True
                ),
            ),
        )
        for c in others
    )
    return replace(
        found,
        evaluation=tuple(filter(mine, found.evaluation)),
        training=tuple(filter(mine, found.training)),
        doubtful=(*found.doubtful, *doubts),
    )
