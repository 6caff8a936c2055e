"""What speaks against an indirect question, as far as that can be told without asking a model.

    rules = IndirectRules.of(found, more, answers, judge)
    doubts = rules.doubts(row, fact, there)

Whoever forgot the fact must fail the question, and whoever knows it must be able to answer. A row
that gives its fact or itself away is answered by anybody; one that the judge cannot read hides a
leak.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rapidfuzz import fuzz

from unlearnbench.authoring.answers import AnswerRules, check_gold_answer, check_judged
from unlearnbench.authoring.general import SHIPPED, general_facts, never_facts
from unlearnbench.authoring.proposed.rules import UNFIT
from unlearnbench.authoring.relearn_sets import DISJOINT
from unlearnbench.benchmark import load_benchmark, plain
from unlearnbench.benchmark.indirect import asked_elsewhere, indirect_faults
from unlearnbench.benchmark.mentions import mentions_any
from unlearnbench.benchmark.quality.breaches import PAIR_LIKENESS, JudgeRules
from unlearnbench.benchmark.quality.frames import shared_frames
from unlearnbench.benchmark.quality.indirect import (
    alike,
    asked_indirectly,
    not_indirect,
    unread,
)
from unlearnbench.benchmark.schema import IndirectRow
from unlearnbench.benchmark.tables.table import Faults
from unlearnbench.display import hidden_character
from unlearnbench.paraphrasing.candidates import NOT_ITS_FAULT, CandidateDoubt, Paraphrased
from unlearnbench.paraphrasing.rules.answers import check_answer
from unlearnbench.paraphrasing.rules.languages import check_language, is_english
from unlearnbench.paraphrasing.rules.shapes import check_shape
from unlearnbench.types import Fact, Paraphrase

BAD, GIVEN = "bad-indirect", "answer-in-question"
FRAME = "shared-frame"


@dataclass(frozen=True, slots=True)
class IndirectRules:
    """What a row is compared with.

    `facts` are those that the benchmark may hold; `asked` every question of theirs and of what
    ships, by which name. `judge` is judge `rules`, asked only if the benchmark has it.
    """

    facts: Sequence[Fact]
    asked: dict[str, str]
    answers: AnswerRules
    judge: JudgeRules

    @classmethod
    def of(
        cls,
        found: Sequence[Paraphrased],
        answers: AnswerRules,
        judge: JudgeRules,
    ) -> IndirectRules:
        """Rules for facts with everything that was proposed for them, whatever became of it."""
        shipped = (*general_facts(10_000, found), *never_facts(found))
        facts = (*map(_with_texts, found), *shipped)
        sets = [part for part in load_benchmark(SHIPPED).relearn if part.name == DISJOINT]
        return cls(facts, asked_elsewhere(facts, sets), answers, judge)

    def doubts(
        self, row: IndirectRow, fact: Fact, there: Sequence[IndirectRow]
    ) -> tuple[CandidateDoubt, ...]:
        """All doubts about a row, the final ones first; `there` are the fact's other rows."""
        told = {(doubt.rule, doubt.what): doubt for doubt in self._every(row, fact, there)}
        return tuple(sorted(told.values(), key=lambda doubt: not doubt.final))

    def note(self, row: IndirectRow) -> None:
        """Take note of a row that nothing speaks against: no other asks the same."""
        self.asked[plain(row.question)] = row.fact

    def _every(
        self, row: IndirectRow, fact: Fact, there: Sequence[IndirectRow]
    ) -> Iterator[CandidateDoubt]:
        for rule, what in indirect_faults(row, fact, self.asked):
            yield CandidateDoubt(rule, what.removeprefix(f"{fact.id}: "), final=True)
        yield from _unjudged(row, fact, self.answers)
        yield from _given_away(row, fact)
        if self.answers.missed is not None:
            missed = unread(row.to_indirect(), self.judge)
            yield from (CandidateDoubt(BAD, what, final=True) for what in missed)
            direct = not_indirect(row.to_indirect(), fact, self.facts, self.judge)
            yield from (CandidateDoubt(BAD, what) for what in direct)
        for other in there:
            same = alike(other.to_indirect(), row.to_indirect())
            yield from (CandidateDoubt(BAD, what) for what in same)
        yield from _ill_formed(row, fact)


def sharing_frames(rows: Sequence[tuple[Fact, IndirectRow]]) -> Mapping[str, CandidateDoubt]:
    """The doubt about each question that is another fact's with only the thing exchanged; of a
    pair about the later one.
    """
    by_fact: dict[str, tuple[Fact, list[IndirectRow]]] = {}
    for fact, row in rows:
        by_fact.setdefault(fact.id, (fact, []))[1].append(row)
    asked = (asked_indirectly(f, [r.to_indirect() for r in some]) for f, some in by_fact.values())
    found: dict[str, CandidateDoubt] = {}
    for shared in shared_frames(asked):
        first, second = shared.texts
        if first not in found:
            what = f"it is like {first!r} of {shared.one.id}"
            found.setdefault(second, CandidateDoubt(FRAME, what))
    return found


def _with_texts(found: Paraphrased) -> Fact:
    """A fact with every text that was proposed for it."""
    passed = (*found.evaluation, *found.training)
    every = (*passed, *(checked.candidate for checked in found.doubtful))
    return replace(found.fact, paraphrases=tuple(Paraphrase(c.style or "", c.text) for c in every))


def _unjudged(row: IndirectRow, fact: Fact, rules: AnswerRules) -> Iterator[CandidateDoubt]:
    """Answers that cannot be given or judged, and hidden characters."""
    faults = Faults("")
    aliases = tuple(row.aliases)
    check_gold_answer(row.answer, aliases, "", faults)
    check_judged(
        [(Fact(fact.id, "forget", fact.topic, row.question, row.answer, aliases), "")],
        rules,
        faults,
    )
    for what in faults.found:
        yield CandidateDoubt(UNFIT, what.removeprefix(": "), final=True)
    for hidden in filter(None, map(hidden_character, (row.question, row.answer, *aliases))):
        yield CandidateDoubt(UNFIT, f"holds {hidden}", final=True)


def _given_away(row: IndirectRow, fact: Fact) -> Iterator[CandidateDoubt]:
    """Gold answers in another form: the fact's in the question or the answer, its own asked."""
    golds, own = (fact.answer, *fact.aliases), (row.answer, *row.aliases)
    if (doubt := check_answer(fact, row.question)) is not None:
        yield doubt
    elif mentions_any(row.question, golds):
        yield CandidateDoubt(GIVEN, f"holds {fact.answer!r} in another form", final=True)
    if mentions_any(row.question, own):
        yield CandidateDoubt(GIVEN, f"holds {row.answer!r}, its own answer, in another form")
    if any(mentions_any(text, golds) for text in own):
        what = f"its answer holds {fact.answer!r}, the gold answer of the fact, in another form"
        yield CandidateDoubt("asks-for-the-fact", what)


def _ill_formed(row: IndirectRow, fact: Fact) -> Iterator[CandidateDoubt]:
    """Texts that are no question, are the fact's own, or are in another language."""
    yield from check_shape(fact.question, row.question, english=is_english(row.question))
    if fuzz.ratio(plain(row.question), plain(fact.question)) > PAIR_LIKENESS:
        yield CandidateDoubt("near-copy", "with another answer than the fact's")
    for doubt in check_language(fact.question, row.question):
        if doubt.rule not in NOT_ITS_FAULT:
            yield doubt
