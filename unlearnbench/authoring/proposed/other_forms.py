"""Forget facts in other forms as a model proposes them, for the stress tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from pydantic import ValidationError

from unlearnbench.authoring.proposed.as_benchmark import as_benchmark
from unlearnbench.authoring.proposed.rules import UNFIT
from unlearnbench.authoring.proposed.slots import RowKind, Slot
from unlearnbench.benchmark.mentions import mentions_any
from unlearnbench.benchmark.quality.breaches import JudgeRules
from unlearnbench.benchmark.quality.reverse import check_reverse
from unlearnbench.benchmark.schema import FormRow
from unlearnbench.benchmark.sets import check_form
from unlearnbench.display import hidden_character
from unlearnbench.errors import BenchmarkError
from unlearnbench.paraphrasing.candidates import NOT_ITS_FAULT, CandidateDoubt
from unlearnbench.paraphrasing.llm.items import AskedModel
from unlearnbench.paraphrasing.llm.rows import FormProposal, form_item
from unlearnbench.paraphrasing.rules.languages import check_language
from unlearnbench.types import Fact


def forms_kind(
    model: AskedModel[FormProposal], facts: Sequence[Fact], judge: JudgeRules
) -> RowKind[FormProposal, FormProposal]:
    """How forms are asked for and checked, by the rules for those of a benchmark that ships."""

    def check(
        rows: Sequence[tuple[Slot[FormProposal], FormProposal]],
    ) -> list[CandidateDoubt | None]:
        return [
            next(chain(form_faults(fact, row, facts, judge), _foreign(fact, row)), None)
            for (fact, *_), row in ((slot.facts, row) for slot, row in rows)
        ]

    return RowKind(
        item=lambda slot: form_item(model, slot.facts[0], slot.refused),
        rows=lambda _slot, reply: [reply],
        check=check,
        text=lambda row: f"{row.cloze} | {row.reverse_question}",
    )


def form_row(fact: Fact, form: FormProposal) -> FormRow:
    """A form as a row. Raises `ValidationError` without three distractors."""
    return FormRow(
        fact=fact.id,
        cloze=form.cloze,
        distractors=list(form.distractors),
        reverse_question=form.reverse_question,
        reverse_answer=form.reverse_answer,
        reverse_aliases=list(form.reverse_aliases),
        reverse_responses=list(form.reverse_responses),
    )


def form_faults(
    fact: Fact, form: FormProposal, facts: Sequence[Fact], judge: JudgeRules
) -> Iterator[CandidateDoubt]:
    """Every rule that a form breaks; `facts` are all of the benchmark's."""
    try:
        row = form_row(fact, form)
        check_form(row, fact, "")
    except ValidationError:
        yield CandidateDoubt("bad-distractors", "three wrong answers are needed")
        return
    except BenchmarkError as error:
        what = str(error).partition(f"{error.rule}: {fact.id}: ")[2]
        yield CandidateDoubt(error.rule, what)
        return
    golds = (fact.answer, *fact.aliases)
    given = judge.accepts(fact.question, fact.answer, fact.aliases, form.cloze)
    if given or mentions_any(form.cloze, golds):
        yield CandidateDoubt("bad-cloze", "it holds an accepted answer")
    for wrong in form.distractors:
        if judge.accepts(fact.question, fact.answer, fact.aliases, wrong):
            yield CandidateDoubt("bad-distractors", f"{wrong!r} passes for the right answer")
    texts = (form.cloze, *form.distractors, form.reverse_question, form.reverse_answer)
    for hidden in filter(None, map(hidden_character, (*texts, *form.reverse_responses))):
        yield CandidateDoubt(UNFIT, f"holds {hidden}")
    for breach in check_reverse(as_benchmark(facts, [row.to_form()]), judge):
        yield CandidateDoubt(breach.rule, breach.what)


def _foreign(fact: Fact, form: FormProposal) -> Iterator[CandidateDoubt]:
    for text in (form.cloze, form.reverse_question):
        doubts = check_language(fact.question, text)
        yield from (doubt for doubt in doubts if doubt.rule not in NOT_ITS_FAULT)
