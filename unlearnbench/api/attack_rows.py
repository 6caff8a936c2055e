"""Have relearning sets and other forms proposed: who is asked, what it costs, what comes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from unlearnbench.api.benchmarks import JUDGE_RULES
from unlearnbench.api.own_rows import OwnRows
from unlearnbench.authoring.made import Tally
from unlearnbench.authoring.proposed.attack_sets import (
    PARAGRAPHS,
    prose_kind,
    prose_set,
    syntax_kind,
    syntax_set,
)
from unlearnbench.authoring.proposed.found_indirect import FoundIndirect
from unlearnbench.authoring.proposed.indirect_questions import (
    IndirectAskers,
    Proposals,
    propose_indirect,
)
from unlearnbench.authoring.proposed.indirect_rules import IndirectRules
from unlearnbench.authoring.proposed.other_forms import form_row, forms_kind
from unlearnbench.authoring.proposed.slots import Slot, fill_slots
from unlearnbench.authoring.proposed.subjects import subjects_of
from unlearnbench.authoring.relearn_sets import MadeSet
from unlearnbench.benchmark.indirect import MOST_INDIRECT
from unlearnbench.benchmark.schema import FormRow
from unlearnbench.hashing import sha256_json
from unlearnbench.paraphrasing.finding import OnRound
from unlearnbench.paraphrasing.llm.catalogue import make_asked
from unlearnbench.paraphrasing.llm.items import AskedModel
from unlearnbench.paraphrasing.llm.rows import (
    FORMS,
    INDIRECT_QUESTIONS,
    PROSE,
    SYNTAX,
    FormProposal,
    form_item,
    indirect_item,
    prose_item,
    syntax_item,
)
from unlearnbench.paraphrasing.llm.tasks import (
    FOLLOWS,
    BareAnswer,
    FactProposal,
    answer_item,
    follows_item,
)
from unlearnbench.remote.paying import CostLimit, total_cost
from unlearnbench.types import Estimate, Fact

T = TypeVar("T")
TOO_FEW = "too-few-rows"
"""Rule by which the rows of a set are left out that would train on next to nothing."""


@dataclass(frozen=True, slots=True)
class AttackRows:
    """Relearning sets and forms that passed all checks, and what became of the others."""

    sets: tuple[MadeSet, ...] = ()
    forms: tuple[FormRow, ...] = ()
    tallies: Mapping[str, Tally] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RowProposers:
    """Who proposes rows for attacks; `second` answers questions unseen, `told` indirect questions
    when it is told their facts.
    """

    syntax: AskedModel[FactProposal]
    prose: AskedModel[tuple[str, ...]]
    forms: AskedModel[FormProposal]
    indirect: AskedModel[Proposals]
    second: AskedModel[BareAnswer] | None
    told: AskedModel[BareAnswer] | None

    @property
    def identity(self) -> str:
        """sha256 of everybody whose rows are part of a benchmark's fingerprint."""
        return sha256_json([self.syntax.identity, self.prose.identity, self.forms.identity])

    def keep_in(self, path: Path) -> None:
        """Keep what is paid for in a file, and look there before a call; the second reader has its
        own.
        """
        self.syntax.keep_in(path)
        self.prose.keep_in(path)
        self.forms.keep_in(path)
        self.indirect.keep_in(path)
        if self.told is not None:
            self.told.keep_in(path)

    def estimate(self, facts: Sequence[Fact], own: OwnRows) -> Estimate:
        """The cost of the first round, less what was paid for already; makes no calls."""
        forget = [fact for fact in facts if fact.split == "forget"]
        fields = subjects_of(forget, PARAGRAPHS)
        pairs = [syntax_item(self.syntax, fact, {}) for fact in forget if self.second]
        texts = [prose_item(self.prose, s.facts, PARAGRAPHS, {}) for s in fields]
        forms = [form_item(self.forms, fact, {}) for fact in own.without_form(forget)]
        costs = [
            self._estimate_indirect(own.without_indirect(forget)),
            self.syntax.asker.estimate(pairs),
            self.prose.asker.estimate(texts),
            self.forms.asker.estimate(forms),
        ]
        if self.second is not None:
            asked = [answer_item(self.second, f"{fact.question} too") for fact in forget]
            costs.append(self.second.asker.estimate(asked))
        return total_cost(costs)

    def _estimate_indirect(self, facts: Sequence[Fact]) -> Estimate:
        """The cost of indirect questions: to propose them, and to answer each told and untold."""
        most = [(fact, f"{fact.question} {n}") for fact in facts for n in range(MOST_INDIRECT)]
        proposals = [indirect_item(self.indirect, fact, MOST_INDIRECT, {}) for fact in facts]
        costs = [self.indirect.asker.estimate(proposals)]
        if self.told is not None:
            told = [follows_item(self.told, fact, question) for fact, question in most]
            costs.append(self.told.asker.estimate(told))
        if self.second is not None:
            asked = [*(fact.question for fact in facts), *(question for _, question in most)]
            bare = [answer_item(self.second, question) for question in asked]
            costs.append(self.second.asker.estimate(bare))
        return total_cost(costs)

    def propose_indirect(
        self, facts: Sequence[Fact], rules: IndirectRules, on_round: OnRound
    ) -> FoundIndirect:
        """Indirect questions about some forget facts; makes calls."""
        askers = IndirectAskers(self.indirect, self.told, self.second)
        return propose_indirect(facts, askers, rules, JUDGE_RULES.accepts, on_round)

    def propose(self, facts: Sequence[Fact], own: OwnRows, on_round: OnRound) -> AttackRows:
        """Rows for the facts of a benchmark, beside the user's own; makes calls."""
        forget = [fact for fact in facts if fact.split == "forget"]
        fields = subjects_of(forget, PARAGRAPHS)
        tallies: dict[str, Tally] = {}

        # Nobody would answer their questions: none of them could be kept.
        wanted = 0 if self.second is None else 1
        pairs = [Slot[FactProposal](fact.id, [fact], wanted) for fact in forget]
        kind = syntax_kind(self.syntax, self.second, facts, JUDGE_RULES.accepts)
        left_out = fill_slots(pairs, self.syntax, kind, on_round)
        syntax = syntax_set(pairs)
        tallies["syntax"] = _tally(pairs, left_out, kept=syntax is not None)
        if self.second is None:
            missing = {"syntax": "no second reader answers its questions"}
            tallies["syntax"] = Tally(0, missing=missing)

        texts = [Slot[str](s.topic, s.facts, PARAGRAPHS) for s in fields]
        prose_rows = prose_kind(self.prose, facts, JUDGE_RULES.accepts)
        left_out = fill_slots(texts, self.prose, prose_rows, on_round)
        prose = prose_set(texts)
        tallies["prose"] = _tally(texts, left_out, kept=prose is not None)

        forms = [Slot[FormProposal](f.id, [f], 1) for f in own.without_form(forget)]
        form_kind = forms_kind(self.forms, facts, JUDGE_RULES)
        left_out = fill_slots(forms, self.forms, form_kind, on_round)
        tallies["forms"] = _tally(forms, left_out, kept=True)
        rows = tuple(form_row(slot.facts[0], form) for slot in forms for form in slot.rows)
        return AttackRows(tuple(one for one in (syntax, prose) if one), rows, tallies)


def make_row_proposers(
    paraphraser: str,
    reader: str | None,
    second: AskedModel[BareAnswer] | None,
    budget: CostLimit | None,
) -> RowProposers:
    """Who proposes rows, by the model that paraphrases; `reader` names the second reader. Raises
    as `make_paraphraser`.
    """
    return RowProposers(
        syntax=make_asked(paraphraser, SYNTAX, budget),
        prose=make_asked(paraphraser, PROSE, budget),
        forms=make_asked(paraphraser, FORMS, budget),
        indirect=make_asked(paraphraser, INDIRECT_QUESTIONS, budget),
        second=second,
        told=None if reader is None else make_asked(reader, FOLLOWS, budget),
    )


def _tally(slots: Sequence[Slot[T]], left_out: Counter[str], *, kept: bool) -> Tally:
    """What became of some slots; without `kept`, too few rows were there to be a set."""
    number = sum(len(slot.rows) for slot in slots)
    missing = {
        slot.name: f"{slot.wanted - len(slot.rows)} of {slot.wanted} lack"
        + (f": {slot.problem}" if slot.problem else "")
        for slot in slots
        if len(slot.rows) < slot.wanted
    }
    if not kept and number:
        left_out = left_out + Counter({TOO_FEW: number})
    return Tally(number if kept else 0, 0, left_out, missing)
