"""Indirect questions as a model proposes them, each checked by code and by a second reader.

The second reader answers three times, and never sees the answer: told the fact, it must give the
answer, or the answer does not follow; asked the question alone, it must not give it, unless it
knows the fact as well, or the question needs no fact. Where it knows the fact, nothing shows that
the question needs it: that falls on the uncomfortable side, since an answer is then called a leak.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from unlearnbench.authoring.proposed.found_indirect import FoundIndirect, IndirectDoubt
from unlearnbench.authoring.proposed.indirect_rules import IndirectRules
from unlearnbench.authoring.proposed.kinds import knows_not, quoted_start
from unlearnbench.authoring.proposed.rules import Accepts, usable_aliases
from unlearnbench.authoring.proposed.second_answers import second_answers
from unlearnbench.authoring.proposed.slots import RowKind, Slot, fill_slots
from unlearnbench.authoring.proposed.subjects import DISAGREES
from unlearnbench.benchmark.indirect import MOST_INDIRECT
from unlearnbench.benchmark.schema import IndirectRow, SourceRow
from unlearnbench.paraphrasing.candidates import NOT_ITS_FAULT, UNREAD, CandidateDoubt
from unlearnbench.paraphrasing.finding import OnRound
from unlearnbench.paraphrasing.llm.items import AskedModel
from unlearnbench.paraphrasing.llm.rows import IndirectProposal, indirect_item
from unlearnbench.paraphrasing.llm.tasks import BareAnswer, follows_item
from unlearnbench.types import Fact

NEEDS_NO_FACT = "needs-no-fact"
"""Rule of the doubt about a question that is answered by one who does not know its fact."""
Proposals = tuple[IndirectProposal, ...]
Said = BareAnswer | str
"""What a second reader answered, or why it did not."""


@dataclass(frozen=True, slots=True)
class IndirectAskers:
    """Who proposes; who answers when told the fact, and who is told nothing. The two are None
    where nobody reads a second time.
    """

    proposer: AskedModel[Proposals]
    told: AskedModel[BareAnswer] | None
    bare: AskedModel[BareAnswer] | None


@dataclass(frozen=True, slots=True)
class _Readings:
    """What the second reader said of some questions and of their facts' own, by question."""

    told: Mapping[str, Said]
    alone: Mapping[str, Said]
    facts: Mapping[str, Said]


@dataclass(slots=True)
class _Checks:
    """Checks of a round's questions. `waits`: what a person can decide about, with its doubts."""

    askers: IndirectAskers
    rules: IndirectRules
    accepts: Accepts
    waits: dict[tuple[str, str], IndirectDoubt] = field(default_factory=dict)

    def check(
        self, rows: Sequence[tuple[Slot[IndirectRow], IndirectRow]]
    ) -> list[CandidateDoubt | None]:
        """Why each question is to be asked for again, or None."""
        by_rules = self._by_rules(rows)
        sound = [(s.facts[0], r) for (s, r), told in zip(rows, by_rules, strict=True) if not told]
        readings = self._readings(sound)
        found: list[CandidateDoubt | None] = []
        for (slot, row), told in zip(rows, by_rules, strict=True):
            fact = slot.facts[0]
            doubts = told or tuple(self._by_reader(fact, row, readings))
            self.waits.pop((fact.id, row.question), None)
            if doubts and not any(doubt.final for doubt in doubts):
                name = self.askers.proposer.name
                self.waits[fact.id, row.question] = IndirectDoubt(fact, row, doubts, name)
            # What nobody could tell is not asked for again: it would be no clearer.
            found.append(next((d for d in doubts if d.rule not in NOT_ITS_FAULT), None))
        return found

    def _by_rules(
        self, rows: Sequence[tuple[Slot[IndirectRow], IndirectRow]]
    ) -> list[tuple[CandidateDoubt, ...]]:
        there = {slot.name: list(slot.rows) for slot, _ in rows}
        found = []
        for slot, row in rows:
            doubts = self.rules.doubts(row, slot.facts[0], there[slot.name])
            if not doubts:
                there[slot.name].append(row)
                self.rules.note(row)
            found.append(doubts)
        return found

    def _readings(self, rows: Sequence[tuple[Fact, IndirectRow]]) -> _Readings:
        told, bare = self.askers.told, self.askers.bare
        if told is None or bare is None:
            return _Readings({}, {}, {})
        items = {row.question: follows_item(told, fact, row.question) for fact, row in rows}
        replies = told.ask_all(list(items.values()))
        alone = second_answers(bare, {row.question: (row.answer, *row.aliases) for _, row in rows})
        answered = [fact for fact, row in rows if self._gives(row, alone[row.question])]
        facts = {fact.question: (fact.answer, *fact.aliases) for fact in answered}
        return _Readings(
            told={question: replies[item.id] for question, item in items.items()},
            alone=alone,
            facts=second_answers(bare, facts),
        )

    def _by_reader(
        self, fact: Fact, row: IndirectRow, readings: _Readings
    ) -> Iterator[CandidateDoubt]:
        nobody = "nobody else was asked the question"
        told = readings.told.get(row.question, nobody)
        alone = readings.alone.get(row.question, nobody)
        if not isinstance(told, str) and not self._gives(row, told):
            what = f"a second reader that is told the fact answers {quoted_start(told.text)}"
            yield CandidateDoubt(DISAGREES, what)
        for said in (told, alone):
            if isinstance(said, str):
                yield CandidateDoubt(UNREAD, said)
                return
        if self._gives(row, alone):
            yield from self._without_fact(fact, readings.facts.get(fact.question, nobody))

    def _without_fact(self, fact: Fact, said: Said) -> Iterator[CandidateDoubt]:
        """The question is answered alone: does the reader know its fact?"""
        if isinstance(said, str):
            yield CandidateDoubt(UNREAD, said)
        elif knows_not(said.text) or not self.accepts(
            fact.question, fact.answer, fact.aliases, said.text
        ):
            what = "a second reader that does not know the fact gives its answer"
            yield CandidateDoubt(NEEDS_NO_FACT, what)

    def _gives(self, row: IndirectRow, said: Said) -> bool:
        if isinstance(said, str) or knows_not(said.text):
            return False
        return self.accepts(row.question, row.answer, tuple(row.aliases), said.text)


def propose_indirect(
    facts: Sequence[Fact],
    askers: IndirectAskers,
    rules: IndirectRules,
    accepts: Accepts,
    on_round: OnRound,
) -> FoundIndirect:
    """Up to three indirect questions for each fact; makes calls.

    What speaks against a question is asked for again with the reason; what then lacks is left for
    a person where one can decide.
    """
    slots = [Slot[IndirectRow](fact.id, [fact], MOST_INDIRECT) for fact in facts]
    checks = _Checks(askers, rules, accepts)
    left_out = fill_slots(slots, askers.proposer, _kind(askers.proposer, checks), on_round)
    return _found(slots, checks.waits, left_out)


def _kind(proposer: AskedModel[Proposals], checks: _Checks) -> RowKind[Proposals, IndirectRow]:
    return RowKind(
        item=lambda slot: indirect_item(
            proposer, slot.facts[0], slot.wanted - len(slot.rows), _avoid(slot)
        ),
        rows=lambda slot, reply: [_row(slot.facts[0], one, proposer.name) for one in reply],
        check=checks.check,
        text=lambda row: row.question,
    )


def _avoid(slot: Slot[IndirectRow]) -> Mapping[str, str]:
    there = dict.fromkeys((row.question for row in slot.rows), "it is there already")
    return {**there, **slot.refused}


def _row(fact: Fact, proposal: IndirectProposal, by: str) -> IndirectRow:
    because = proposal.because or "it did not say how it follows from the fact"
    return IndirectRow(
        fact=fact.id,
        question=proposal.question,
        answer=proposal.answer,
        aliases=list(usable_aliases(proposal.aliases)),
        source=SourceRow(title=f"proposed by {by}", claim=because),
    )


def _found(
    slots: Sequence[Slot[IndirectRow]],
    waits: Mapping[tuple[str, str], IndirectDoubt],
    left_out: Counter[str],
) -> FoundIndirect:
    """What is kept and what waits; what was refused waits only as far as questions lack."""
    kept, doubtful, missing = [], [], {}
    left_out = left_out.copy()
    for slot in slots:
        sure = [row for row in slot.rows if (slot.name, row.question) not in waits]
        taken = {row.question for row in slot.rows}
        unread = [waits[slot.name, q] for q in taken if (slot.name, q) in waits]
        refused = [w for (name, q), w in waits.items() if name == slot.name and q not in taken]
        refused = refused[: slot.wanted - len(slot.rows)]
        left_out -= Counter(_reason(one) for one in refused)
        kept += sure
        doubtful += sorted(unread, key=lambda one: slot.rows.index(one.row)) + refused
        if lacks := slot.wanted - len(sure) - len(unread) - len(refused):
            told = f": {slot.problem}" if slot.problem else ""
            missing[slot.name] = f"{lacks} of {slot.wanted} lack{told}"
    return FoundIndirect(tuple(kept), tuple(doubtful), left_out, missing)


def _reason(one: IndirectDoubt) -> str:
    """The rule by which a question was counted as left out."""
    return next(doubt.rule for doubt in one.doubts if doubt.rule not in NOT_ITS_FAULT)
