"""Have facts proposed about the user's subjects: who is asked, what it costs, what comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from unlearnbench.api.attack_rows import AttackRows, RowProposers, make_row_proposers
from unlearnbench.api.benchmarks import JUDGE_RULES
from unlearnbench.api.engines import TRANSFORMERS, engine_for
from unlearnbench.api.own_rows import OwnRows
from unlearnbench.api.proposers import NONE, Proposers
from unlearnbench.authoring.answers import AnswerRules
from unlearnbench.authoring.proposed.base_model import AskedBase
from unlearnbench.authoring.proposed.kinds import controls, neighbours
from unlearnbench.authoring.proposed.rules import FactRules
from unlearnbench.authoring.proposed.settling import SPARE, Askers, Kind, propose_facts
from unlearnbench.authoring.proposed.subjects import Proposed, proposed_fact, subjects_of
from unlearnbench.errors import BenchmarkError
from unlearnbench.hashing import sha256_json
from unlearnbench.interfaces import Generator
from unlearnbench.judging.rules.judge import RulesJudge
from unlearnbench.paraphrasing.candidates import Paraphraser, SecondReader
from unlearnbench.paraphrasing.finding import OnRound
from unlearnbench.paraphrasing.llm.catalogue import make_asked
from unlearnbench.paraphrasing.llm.items import AskedModel
from unlearnbench.paraphrasing.llm.tasks import (
    ANSWERS,
    NEIGHBOURS,
    NEVER,
    BareAnswer,
    ModelTask,
    Proposals,
    answer_item,
    proposals_item,
)
from unlearnbench.remote.paying import total_cost
from unlearnbench.types import Estimate, Fact
from unlearnbench.types.authoring import MakeOptions
from unlearnbench.types.options import EngineOptions

MOST_WANTED = 50
"""Facts of a topic that a model is asked for; what it is asked at once has to fit in one reply."""


@dataclass(frozen=True, slots=True)
class FactProposers:
    """Who proposes each kind of facts that is wanted, and who is asked about them. `rows` proposes
    what attacks need, if that is wanted.
    """

    wanted: Mapping[str, int]
    proposers: Mapping[str, AskedModel[Proposals]]
    second: AskedModel[BareAnswer] | None
    base: AskedBase | None
    rows: RowProposers | None = None

    @property
    def identity(self) -> str:
        """sha256 of everybody who is asked; empty if nobody is."""
        second = "" if self.second is None else self.second.identity
        asked = {name: one.identity for name, one in self.proposers.items()}
        asked |= {} if self.rows is None else {"rows": self.rows.identity}
        return sha256_json([asked, second]) if asked else ""

    def keep_in(self, path: Path) -> None:
        """Keep what is paid for in a file, and look there before a call."""
        for one in self.proposers.values():
            one.keep_in(path)
        if self.second is not None:
            self.second.keep_in(path)
        if self.rows is not None:
            self.rows.keep_in(path)

    def estimate(self, facts: Sequence[Fact], own: OwnRows) -> Estimate:
        """The cost of the first round, less what was paid for already; makes no calls."""
        costs = [Estimate(0, 0, 0, 0, 0, 0.0)]
        for name, proposer in self.proposers.items():
            subjects = subjects_of(facts, self.wanted[name])
            most = self.wanted[name] + SPARE
            items = [proposals_item(proposer, s.facts, most, {}) for s in subjects]
            costs.append(proposer.asker.estimate(items))
            if self.second is not None:
                questions = (
                    f"{s.facts[0].question} {name} {n}" for s in subjects for n in range(most)
                )
                asked = [answer_item(self.second, question) for question in questions]
                costs.append(self.second.asker.estimate(asked))
        if self.rows is not None:
            costs.append(self.rows.estimate(facts, own))
        return total_cost(costs)

    def propose_rows(self, facts: Sequence[Fact], own: OwnRows, on_round: OnRound) -> AttackRows:
        """Rows for attacks on the facts of a benchmark, if they are wanted; makes calls."""
        return AttackRows() if self.rows is None else self.rows.propose(facts, own, on_round)

    def stand_ins(self, facts: Sequence[Fact]) -> list[Fact]:
        """Facts as many and as long as those that are likely to be proposed."""
        return [
            proposed_fact(kind.split, kind.tier, s.topic, f"{s.facts[0].question} {n}", "answer")
            for name, kind in _KINDS.items()
            if name in self.proposers
            for s in subjects_of(facts, self.wanted[name])
            for n in range(self.wanted[name])
        ]

    def propose(
        self, facts: Sequence[Fact], rules: AnswerRules, on_round: OnRound
    ) -> dict[str, Proposed]:
        """What is proposed of each kind, in doubt still what a person must decide; makes calls."""
        found: dict[str, Proposed] = {}
        there = list(facts)
        checks = FactRules(there, rules, JUDGE_RULES.accepts)
        for name, proposer in self.proposers.items():
            askers = Askers(proposer, self.second, self.base)
            found[name] = propose_facts(
                facts, self.wanted[name], _KINDS[name], askers, checks, on_round
            )
            there += found[name].kept
        return found


def make_fact_proposers(
    paraphraser: str | Paraphraser,
    second_reader: str | SecondReader | None,
    proposers: Proposers,
    base: str | Generator | None,
    options: MakeOptions,
) -> FactProposers:
    """Who proposes what `options` want, by the models that paraphrase.

    Raises `BenchmarkError` where that is nobody, and as `make_paraphraser`, `CheckpointError` for a
    base that cannot be had.
    """
    wanted = {"neighbours": options.neighbours, "never": options.never}
    wanted = {name: number for name, number in wanted.items() if number}
    _check_asked(wanted, options, proposers, base)
    if not (wanted or options.for_attacks):
        return FactProposers({}, {}, None, None)
    for role, given in (("paraphraser", paraphraser), ("second_reader", second_reader or "")):
        if not isinstance(given, str):
            what = "facts and rows are proposed by models alone; give the name of one"
            raise BenchmarkError("nobody-is-asked", role, what)
    assert isinstance(paraphraser, str)
    budget = proposers.budget
    asked = {name: make_asked(paraphraser, _TASKS[name], budget) for name in wanted}
    reader = second_reader if isinstance(second_reader, str) else paraphraser
    second = None if reader == NONE else make_asked(reader, ANSWERS, budget)
    rows = None
    if options.for_attacks:
        name = None if reader == NONE else reader
        rows = make_row_proposers(paraphraser, name, second, budget)
    return FactProposers(wanted, asked, second, None if base is None else _base(base), rows)


def _check_asked(
    wanted: Mapping[str, int], options: MakeOptions, proposers: Proposers, base: object
) -> None:
    first = next((f"--{name}" for name in wanted), "--for-attacks" if options.for_attacks else "")
    if first and proposers.asks_models is None:
        what = "a model proposes them; give --paraphraser gemini, openai:MODEL or local:CHECKPOINT"
        raise BenchmarkError("nobody-is-asked", first, what)
    for name, number in wanted.items():
        if number > MOST_WANTED:
            what = f"at most {MOST_WANTED} of each topic are proposed"
            raise BenchmarkError("too-many", f"--{name} {number}", what)
    if base is not None and not wanted:
        what = "it is asked whether it knows proposed facts; give --neighbours N or --never N"
        raise BenchmarkError("nothing-to-ask", "--base", what)


def _base(base: str | Generator) -> AskedBase:
    """The model before unlearning, loaded when it is first asked."""
    judge = RulesJudge()
    if not isinstance(base, str):
        info = base.info
        return AskedBase(info.checkpoint or info.engine, info.fingerprint, lambda: base, judge)
    from unlearnbench.checkpoints.resolve import resolve

    make = cache(lambda: engine_for(TRANSFORMERS, base, EngineOptions()))
    checkpoint = resolve(base)
    return AskedBase(checkpoint.label, checkpoint.fingerprint, make, judge)


_TASKS: Mapping[str, ModelTask[Proposals]] = {"neighbours": NEIGHBOURS, "never": NEVER}
_KINDS: Mapping[str, Kind] = {
    "neighbours": neighbours(JUDGE_RULES.accepts),
    "never": controls(JUDGE_RULES.accepts),
}
