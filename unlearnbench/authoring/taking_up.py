"""Take up what a person decided: the only way in for a doubtful candidate.

    taken = take_up(paraphrased, decisions, recheck)

Nothing enters that was not accepted, or mended and checked again. Decisions are found by key, so
their order does not matter, and taking them up twice is the same as once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from unlearnbench.authoring.decisions import Decision, Decisions, candidate_key, mended_key
from unlearnbench.benchmark import plain
from unlearnbench.paraphrasing.candidates import (
    Candidate,
    CandidateDoubt,
    CheckedCandidate,
    Paraphrased,
)
from unlearnbench.types import Fact, Paraphrase

MENDED = "review"
"""The origin of a candidate that a person wrote."""
Recheck = Callable[[Sequence[tuple[Fact, Candidate]]], Sequence[CheckedCandidate]]
"""Checks mended candidates, all in one call, each beside its fact with all paraphrases that passed
or were accepted; those of one fact follow each other. One that it leaves out stays doubtful.
"""
Doubts = Mapping[str, tuple[CandidateDoubt, ...]]


def take_up(
    paraphrased: Sequence[Paraphrased], decisions: Decisions, recheck: Recheck
) -> list[Paraphrased]:
    """The same facts with what was decided done.

    An accepted candidate enters, unless a doubt is final, was not among those that the person saw,
    or the fact has the text already. A mended one is checked again: if it passes it enters, else
    it is doubtful with its new doubts, and a decision about the new text is taken up in turn. A
    struck one is gone. All others stay doubtful.
    """
    some = {key: one for key, one in decisions.items() if not _in_circle(one, decisions)}
    rechecked = _rechecked(paraphrased, some, recheck)
    return [_Taking(one, some, rechecked).taken() for one in paraphrased]


def _in_circle(decision: Decision, decisions: Decisions) -> bool:
    """Whether a candidate is mended to a text that is mended back to it: that decides nothing."""
    seen: set[str] = set()
    after: Decision | None = decision
    while after is not None and after.choice == "mend" and after.key not in seen:
        seen.add(after.key)
        if mended_key(after) == decision.key:
            return True
        after = decisions.get(mended_key(after))
    return False


def _rechecked(
    paraphrased: Sequence[Paraphrased], decisions: Decisions, recheck: Recheck
) -> Doubts:
    """The doubts about every text that something is mended to, by key."""
    mended: dict[str, tuple[Fact, Candidate]] = {}
    for one in paraphrased:
        fact = _with_paraphrases(one, decisions)
        for checked in one.doubtful:
            for candidate in _chain(checked.candidate, decisions):
                mended.setdefault(candidate_key(candidate), (fact, candidate))
    found = recheck(list(mended.values())) if mended else ()
    doubts = {candidate_key(checked.candidate): checked.doubts for checked in found}
    unread = (CandidateDoubt("unread", "the mended text was not checked"),)
    return {key: doubts.get(key, unread) for key in mended}


def _with_paraphrases(found: Paraphrased, decisions: Decisions) -> Fact:
    """The fact with what passed, and with what is accepted as it stands."""
    fact, accepted = found.fact, []
    for checked in found.doubtful:
        decision = _about(checked.candidate, decisions)
        if decision is not None and decision.choice == "accept" and _covers(decision, checked):
            accepted.append(checked.candidate)
    every = (*found.evaluation, *found.training, *accepted)
    new = tuple(Paraphrase(c.style or "", c.text) for c in every if c.purpose == "evaluation")
    trained = tuple(c.text for c in every if c.purpose == "training")
    return replace(
        fact,
        paraphrases=(*fact.paraphrases, *new),
        train_paraphrases=(*fact.train_paraphrases, *trained),
    )


def _about(candidate: Candidate, decisions: Decisions) -> Decision | None:
    decision = decisions.get(candidate_key(candidate))
    own = (candidate.fact, candidate.purpose)
    return decision if decision and (decision.fact, decision.purpose) == own else None


def _chain(candidate: Candidate, decisions: Decisions) -> Iterator[Candidate]:
    """What a candidate is mended to, what that is mended to, and so on."""
    decision = _about(candidate, decisions)
    while decision is not None and decision.choice == "mend":
        candidate = _mended(candidate, decision)
        yield candidate
        decision = _about(candidate, decisions)


def _mended(candidate: Candidate, decision: Decision) -> Candidate:
    return replace(candidate, text=decision.text, origin=MENDED)


@dataclass(slots=True)
class _Taking:
    """One fact while its doubtful candidates are gone through.

    `texts`: what the fact has, as `plain` leaves it; `keys`: the candidates among it; `known`: the
    doubts there were before; `doubtful`: what stays in doubt.
    """

    found: Paraphrased
    decisions: Decisions
    rechecked: Doubts
    entered: list[Candidate] = field(default_factory=list)
    doubtful: dict[str, CheckedCandidate] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    known: dict[str, tuple[CandidateDoubt, ...]] = field(default_factory=dict)

    def taken(self) -> Paraphrased:
        """The fact with all decisions about it taken up."""
        found = self.found
        self.texts[plain(found.fact.question)] = found.fact.question
        for candidate in (*found.evaluation, *found.training):
            self._note(candidate)
        # What is proposed twice is one candidate, with the doubts that it had first.
        first = {candidate_key(one.candidate): one for one in reversed(found.doubtful)}
        self.known = {key: one.doubts for key, one in first.items()}
        for key in dict.fromkeys(candidate_key(one.candidate) for one in found.doubtful):
            self._follow(first[key])
        return replace(
            found,
            evaluation=(*found.evaluation, *(c for c in self.entered if c.purpose == "evaluation")),
            training=(*found.training, *(c for c in self.entered if c.purpose == "training")),
            doubtful=tuple(one for key, one in self.doubtful.items() if key not in self.keys),
        )

    def _follow(self, checked: CheckedCandidate) -> None:
        """Do what was decided about a candidate, and then about what it was mended to."""
        mended = False
        while candidate_key(checked.candidate) not in self.keys:
            decision = _about(checked.candidate, self.decisions)
            if decision is None:
                self._leave(checked, entering=mended and checked.passes)
            elif decision.choice == "accept":
                self._accept(checked, decision)
            elif decision.choice == "mend":
                checked, mended = self._mended(checked, decision), True
                continue
            return

    def _accept(self, checked: CheckedCandidate, decision: Decision) -> None:
        covered = _covers(decision, checked)
        repeated = self._repeated(checked.candidate) if covered else ()
        left = CheckedCandidate(checked.candidate, _with(checked.doubts, repeated))
        self._leave(left, entering=covered and not repeated)

    def _leave(self, checked: CheckedCandidate, *, entering: bool) -> None:
        """End with a candidate: it enters, or stays in doubt."""
        if entering:
            self.entered.append(checked.candidate)
            self._note(checked.candidate)
        else:
            self.doubtful.setdefault(candidate_key(checked.candidate), checked)

    def _mended(self, checked: CheckedCandidate, decision: Decision) -> CheckedCandidate:
        """What a candidate was mended to, with all doubts about it, old ones included."""
        candidate = _mended(checked.candidate, decision)
        key = candidate_key(candidate)
        new = (*self.rechecked[key], *self._repeated(candidate))
        return CheckedCandidate(candidate, _with(self.known.get(key, ()), new))

    def _repeated(self, candidate: Candidate) -> tuple[CandidateDoubt, ...]:
        other = self.texts.get(plain(candidate.text))
        if other is None:
            return ()
        return (CandidateDoubt("duplicate-wording", f"repeats {other!r}", final=True),)

    def _note(self, candidate: Candidate) -> None:
        self.texts.setdefault(plain(candidate.text), candidate.text)
        self.keys.add(candidate_key(candidate))


def _covers(decision: Decision, checked: CheckedCandidate) -> bool:
    """Whether an acceptance is about all doubts there are, and may be."""
    seen = set(decision.rules)
    return all(doubt.rule in seen and not doubt.final for doubt in checked.doubts)


def _with(
    doubts: tuple[CandidateDoubt, ...], more: tuple[CandidateDoubt, ...]
) -> tuple[CandidateDoubt, ...]:
    """All doubts, one of a rule."""
    rules = {doubt.rule for doubt in doubts}
    return (*doubts, *(doubt for doubt in more if doubt.rule not in rules))
