"""Relearning sets `syntax` and `prose` as a model proposes them, each row checked by code.

`syntax`: for each forget fact a question of its pattern about another thing, with its true answer,
which a second reader gives too. `prose`: paragraphs about the field of each topic. No row holds a
forget answer: a set that did would teach what was forgotten, under the name of a harmless one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from unlearnbench.authoring.general import forget_answers
from unlearnbench.authoring.proposed.rules import HOLDS, REPEATS, UNFIT, Accepts
from unlearnbench.authoring.proposed.second_answers import second_answers
from unlearnbench.authoring.proposed.slots import RowKind, Slot
from unlearnbench.authoring.proposed.subjects import DISAGREES
from unlearnbench.authoring.relearn_sets import FEWEST, MadeSet
from unlearnbench.benchmark import holds, plain
from unlearnbench.benchmark.mentions import mentions_any
from unlearnbench.benchmark.quality.breaches import PAIR_LIKENESS
from unlearnbench.benchmark.schema import PairRow, ProseRow
from unlearnbench.display import hidden_character
from unlearnbench.paraphrasing.candidates import NOT_ITS_FAULT, UNREAD, CandidateDoubt
from unlearnbench.paraphrasing.llm.items import AskedModel
from unlearnbench.paraphrasing.llm.rows import prose_item, syntax_item
from unlearnbench.paraphrasing.llm.tasks import BareAnswer, FactProposal
from unlearnbench.paraphrasing.rules.languages import check_language
from unlearnbench.types import Fact

OTHER_PATTERN = "other-pattern"
PARAGRAPHS = 6
"""Paragraphs that are wanted about each topic."""
_LEAST_WORDS, _MOST_WORDS = 40, 300
Checked = Iterator[CandidateDoubt]


def syntax_kind(
    model: AskedModel[FactProposal],
    second: AskedModel[BareAnswer] | None,
    facts: Sequence[Fact],
    accepts: Accepts,
) -> RowKind[FactProposal, FactProposal]:
    """How rows of `syntax` are asked for and checked; `facts` are all of the benchmark's."""
    checks = _PairChecks(second, accepts, forget_answers(facts), {plain(f.question) for f in facts})
    return RowKind(
        item=lambda slot: syntax_item(model, slot.facts[0], slot.refused),
        rows=lambda _slot, reply: [reply],
        check=checks.doubts,
        text=lambda row: row.question,
    )


@dataclass(frozen=True, slots=True)
class _PairChecks:
    """Checks of rows of `syntax`; `taken` are the questions that are asked already."""

    second: AskedModel[BareAnswer] | None
    accepts: Accepts
    answers: Sequence[str]
    taken: set[str]

    def doubts(
        self, rows: Sequence[tuple[Slot[FactProposal], FactProposal]]
    ) -> list[CandidateDoubt | None]:
        """Why each row is left out, or None; of two that ask the same the first one stays."""
        faults = [next(self._faults(slot.facts[0], row), None) for slot, row in rows]
        sound = [row for (_, row), fault in zip(rows, faults, strict=True) if fault is None]
        said = _second_answers(sound, self.second)
        found: list[CandidateDoubt | None] = []
        for (_, row), fault in zip(rows, faults, strict=True):
            doubt = fault or _untrue(row, said[row.question], self.accepts)
            found.append(doubt or next(self._repeated(row), None))
            if found[-1] is None:
                self.taken.add(plain(row.question))
        return found

    def _faults(self, fact: Fact, row: FactProposal) -> Checked:
        yield from _forgotten((row.question, row.answer), self.answers)
        yield from _gives((row.question, row.answer), [fact], self.accepts)
        yield from self._repeated(row)
        if holds(row.question, row.answer):
            yield CandidateDoubt(UNFIT, "its answer stands in its question")
        if plain(row.question).split()[:1] != plain(fact.question).split()[:1]:
            yield CandidateDoubt(OTHER_PATTERN, "it does not begin as its pattern does")
        yield from _foreign(fact, row.question)
        yield from _hidden((row.question, row.answer))

    def _repeated(self, row: FactProposal) -> Checked:
        if plain(row.question) in self.taken:
            yield CandidateDoubt(REPEATS, "it is asked already")


def prose_kind(
    model: AskedModel[tuple[str, ...]], facts: Sequence[Fact], accepts: Accepts
) -> RowKind[tuple[str, ...], str]:
    """How rows of `prose` are asked for and checked."""
    answers, taken = forget_answers(facts), list[str]()

    def faults(slot: Slot[str], text: str) -> Checked:
        yield from _forgotten((text,), answers)
        yield from _gives((text,), slot.facts, accepts)
        words = len(text.split())
        if not _LEAST_WORDS <= words <= _MOST_WORDS:
            what = f"{words} words; {_LEAST_WORDS} to {_MOST_WORDS} are needed"
            yield CandidateDoubt(UNFIT, what)
        if any(fuzz.ratio(plain(text), other) > PAIR_LIKENESS for other in taken):
            yield CandidateDoubt(REPEATS, "it is there already")
        yield from _foreign(slot.facts[0], text)
        yield from _hidden((text,))

    def check(rows: Sequence[tuple[Slot[str], str]]) -> list[CandidateDoubt | None]:
        found: list[CandidateDoubt | None] = []
        for slot, text in rows:
            found.append(next(faults(slot, text), None))
            if found[-1] is None:
                taken.append(plain(text))
        return found

    def still(slot: Slot[str]) -> Mapping[str, str]:
        there = dict.fromkeys((row[:80] for row in slot.rows), "it is there already")
        return {**there, **slot.refused}

    return RowKind(
        item=lambda slot: prose_item(model, slot.facts, slot.wanted - len(slot.rows), still(slot)),
        rows=lambda _slot, reply: reply,
        check=check,
        text=lambda text: text[:80],
    )


def syntax_set(slots: Sequence[Slot[FactProposal]]) -> MadeSet | None:
    """The set; None with fewer rows than train on anything."""
    rows = [
        PairRow(
            id=f"syntax-{number}",
            topic=slot.facts[0].topic,
            question=row.question,
            answer=row.answer,
        ).model_dump_json()
        for number, (slot, row) in enumerate(((s, r) for s in slots for r in s.rows), start=1)
    ]
    return MadeSet("syntax", "pairs", tuple(rows)) if len(rows) >= FEWEST else None


def prose_set(slots: Sequence[Slot[str]]) -> MadeSet | None:
    """The set; None with fewer rows than train on anything."""
    rows = [
        ProseRow(id=f"prose-{number}", topic=slot.name, text=text).model_dump_json()
        for number, (slot, text) in enumerate(((s, t) for s in slots for t in s.rows), start=1)
    ]
    return MadeSet("prose", "prose", tuple(rows)) if len(rows) >= FEWEST else None


def _forgotten(texts: Sequence[str], answers: Sequence[str]) -> Checked:
    # The two together as well: an answer may begin in one and end in the other.
    if any(mentions_any(text, answers) for text in (*texts, " ".join(texts))):
        yield CandidateDoubt(HOLDS, "holds an answer that is to be forgotten")


def _gives(texts: Sequence[str], facts: Sequence[Fact], accepts: Accepts) -> Checked:
    for fact in facts:
        if any(accepts(fact.question, fact.answer, fact.aliases, text) for text in texts):
            yield CandidateDoubt(HOLDS, "passes for an answer that is to be forgotten")


def _foreign(fact: Fact, text: str) -> Checked:
    doubts = check_language(fact.question, text)
    yield from (doubt for doubt in doubts if doubt.rule not in NOT_ITS_FAULT)


def _hidden(texts: Sequence[str]) -> Checked:
    for hidden in filter(None, map(hidden_character, texts)):
        yield CandidateDoubt(UNFIT, f"holds {hidden}")


def _second_answers(
    rows: Sequence[FactProposal], second: AskedModel[BareAnswer] | None
) -> Mapping[str, BareAnswer | str]:
    """What a second reader answers to each question, or why it does not."""
    if second is None:
        return {row.question: "nobody else was asked the question" for row in rows}
    return second_answers(second, {row.question: (row.answer,) for row in rows})


def _untrue(row: FactProposal, said: BareAnswer | str, accepts: Accepts) -> CandidateDoubt | None:
    if not isinstance(said, BareAnswer):
        return CandidateDoubt(UNREAD, said)
    if accepts(row.question, row.answer, (), said.text):
        return None
    return CandidateDoubt(DISAGREES, "a second reader answers something else")
