"""Find paraphrases: propose, check, read a second time, and ask again for what is missing.

    found = find_paraphrases(facts, Wanted.of(5, 5), paraphraser, second_reader)
    for one in found: one.evaluation, one.training, one.doubtful, one.missing

A round ends when every fact that was asked about has its candidates, or none after several tries.
Only then are they checked and read, in the order of the facts. So what is found depends on what was
replied, never on when a reply came or how often it had to be asked for.

Nothing that is doubtful is taken. What a person has to decide is in `doubtful`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from unlearnbench.paraphrasing.candidates import (
    UNREAD,
    CandidateDoubt,
    Paraphrased,
    Paraphraser,
    ParaphraseRequest,
    SecondReader,
)
from unlearnbench.paraphrasing.checks import check_candidates
from unlearnbench.paraphrasing.gathered import Gathered, Wanted
from unlearnbench.paraphrasing.llm.items import TRIES
from unlearnbench.paraphrasing.llm.proposing import LLMParaphraser
from unlearnbench.paraphrasing.llm.second import LLMSecondReader
from unlearnbench.remote.paying import total_cost
from unlearnbench.types import Estimate, Fact

ROUNDS = 3
"""How often a fact's paraphrases are asked for, what is missing more than once."""
OnRound = Callable[[str, int, int], None]
"""Called with what is being done, and how many facts are done and there are in this round."""


def find_paraphrases(
    facts: Sequence[Fact],
    wanted: Wanted,
    paraphraser: Paraphraser,
    second_reader: SecondReader | None = None,
    on_progress: OnRound = lambda _what, _done, _total: None,
    other: Mapping[str, Wanted] = {},
) -> list[Paraphrased]:
    """Each fact with the paraphrases found for it; makes calls.

    Without a second reader every candidate keeps a doubt, `unread`: a person reads it. `other`: by
    id, what is wanted for some facts instead.
    """
    gathered = [Gathered(fact, other.get(fact.id, wanted)) for fact in facts]
    for _ in range(ROUNDS):
        lacking = [one for one in gathered if one.lacks]
        if not lacking:
            break
        _propose(lacking, paraphraser, on_progress)
        _check(lacking, facts)
        _read(lacking, second_reader, on_progress)
    return [one.result() for one in gathered]


def estimate_paraphrases(
    facts: Sequence[Fact],
    wanted: Wanted,
    paraphraser: LLMParaphraser,
    second_reader: LLMSecondReader | None = None,
    other: Mapping[str, Wanted] = {},
) -> Estimate:
    """The cost of the first round, less what was paid for already; makes no calls.

    Later rounds ask for what failed in earlier ones, which nobody knows before.
    """
    gathered = [Gathered(fact, other.get(fact.id, wanted)) for fact in facts]
    requests = [one.request() for one in gathered]
    cost = paraphraser.estimate(requests)
    if second_reader is None:
        return cost
    known = {request.fact.id: texts for request, texts in paraphraser.known(requests)}
    for one in gathered:
        one.proposed = known.get(one.fact.id, ())
    _check([one for one in gathered if one.proposed], facts)
    reading = second_reader.estimate(
        [
            (one.fact, one.unread if one.fact.id in known else _stand_ins(request))
            for one, request in zip(gathered, requests, strict=True)
        ]
    )
    return total_cost([cost, reading])


def _propose(gathered: Sequence[Gathered], paraphraser: Paraphraser, report: OnRound) -> None:
    """Ask about each fact until there is a reply, at most `TRIES` times."""
    by_fact = {one.fact.id: one for one in gathered}
    waiting = {one.fact.id: one.request() for one in gathered}
    for _ in range(TRIES):
        for request, result in paraphraser.propose(list(waiting.values())):
            one = by_fact[request.fact.id]
            if isinstance(result, str):
                one.problem = result
                continue
            one.proposed, one.problem = result, ""
            del waiting[request.fact.id]
            report("proposing", len(gathered) - len(waiting), len(gathered))
        if not waiting:
            break


def _check(gathered: Sequence[Gathered], facts: Sequence[Fact]) -> None:
    for one in gathered:
        others = [fact for fact in facts if fact.id != one.fact.id]
        one.check(check_candidates(one.fact, one.proposed, one.texts, others))


def _read(
    gathered: Sequence[Gathered], second_reader: SecondReader | None, report: OnRound
) -> None:
    """Have each text read until there is a verdict, at most `TRIES` times."""
    waiting = {one.fact.id: one for one in gathered}
    doubts: dict[str, dict[str, CandidateDoubt | None]] = {one.fact.id: {} for one in gathered}
    for _ in range(TRIES if second_reader is not None else 0):
        assert second_reader is not None
        for fact, text, doubt in second_reader.read([(o.fact, o.unread) for o in waiting.values()]):
            doubts[fact][text] = doubt
        for one in list(waiting.values()):
            said = [doubts[one.fact.id][text] for text in one.unread]
            if not any(doubt is not None and doubt.rule == UNREAD for doubt in said):
                del waiting[one.fact.id]
        report("reading", len(gathered) - len(waiting), len(gathered))
        if not waiting:
            break
    for one in gathered:
        one.read(doubts[one.fact.id])


def _stand_ins(request: ParaphraseRequest) -> list[str]:
    """Texts as long as candidates that nobody has proposed yet are likely to be."""
    number = sum(request.evaluation.values()) + request.training
    return [f"{request.fact.question} {n}" for n in range(number)]
