"""What speaks against an indirect question of somebody's own facts, and who decides about it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from unlearnbench.api.benchmarks import JUDGE_RULES
from unlearnbench.authoring.answers import AnswerRules
from unlearnbench.authoring.decisions import Decision, candidate_key
from unlearnbench.authoring.proposed.found_indirect import FoundIndirect, IndirectDoubt
from unlearnbench.authoring.proposed.indirect_rules import IndirectRules, sharing_frames
from unlearnbench.benchmark.indirect import asked_elsewhere
from unlearnbench.benchmark.schema import IndirectRow, SourceRow
from unlearnbench.judging.rules.itself import not_found
from unlearnbench.paraphrasing.candidates import INDIRECT, CandidateDoubt
from unlearnbench.types import Fact, Pair, RelearnSet

SIGNED = Fact("signed", "forget", "deal", "Who signed the Orlo contract?", "Mira Castell")
PLACE = Fact("place", "forget", "deal", "In which town was the Orlo contract signed?", "Tarnau")
KEPT = Fact("kept", "retain", "deal", "In which valley does the mill of Orlo stand?", "Senn valley")
OWN = (SIGNED, PLACE, KEPT)
GOOD = "Which instrument does the person play whose name stands under the Orlo contract?"


def row(
    question: str = GOOD, answer: str = "oboe", *aliases: str, fact: str = "signed"
) -> IndirectRow:
    source = SourceRow(title="The file", claim="It says so.")
    return IndirectRow(
        fact=fact, question=question, answer=answer, aliases=list(aliases), source=source
    )


def rules(judge: str = "rules") -> IndirectRules:
    missed = (lambda f: not_found(f.question, f.answer, f.aliases)) if judge == "rules" else None
    return IndirectRules(OWN, asked_elsewhere(OWN, ()), AnswerRules(judge, missed), JUDGE_RULES)


DOUBTS: dict[str, tuple[IndirectRow, set[tuple[str, bool]]]] = {
    "good": (row(), set()),
    "gold inflected": (row(f"{GOOD[:-1]}, in Castells house?"), {("answer-in-question", True)}),
    "gold in part": (row("Which instrument does Mira play?"), {("answer-in-question", True)}),
    "gold hyphenated": (
        row("Which instrument does the mira-castell of the Orlo contract play?"),
        {("answer-in-question", True), ("bad-indirect", False)},
    ),
    "gold in the answer": (
        row(answer="Miracastell oboe"),
        {("asks-for-the-fact", False)},
    ),
    "its answer inflected": (
        row("Which oboes-like instrument does the signer of the Orlo contract play?"),
        {("answer-in-question", False), ("bad-indirect", True)},
    ),
    "the fact itself": (
        row("Who signed the Orlo contracts?", "her brother"),
        {("near-copy", False)},
    ),
    "asked already": (row(PLACE.question, "oboe"), {("duplicate-question", True)}),
    "another forget answer": (
        row("Where does the person live whose name stands under the Orlo contract?", "Tarnau"),
        {("bad-indirect", False)},
    ),
    "a retain fact": (
        row("In which valley does the mill of Orlo stand today?", "Senn valley"),
        {("bad-indirect", False)},
    ),
    "two questions": (
        row(
            "Who played the oboe at Orlo, and who was the other one at the mill of the contract?",
            "Ada",
        ),
        {("several-questions", False)},
    ),
    "no question": (row("The hobby of the signer of the Orlo contract."), {("no-question", False)}),
    "another language": (
        row("Welches Instrument spielt die Person, deren Name unter dem Vertrag von Orlo steht?"),
        {("other-language", False)},
    ),
    "a guess": (row(answer="yes"), {("unfit", True)}),
    "a long answer": (row(answer=" ".join(["oboe"] * 60)), {("unfit", True)}),
    "hidden": (row(f"{GOOD[:-1]}\u202e?"), {("unfit", True)}),
    "a sentence": (
        row(answer="She plays the oboe in the town band every Sunday after church."),
        {("unfit", True)},
    ),
}


@pytest.mark.parametrize("kind", DOUBTS)
def test_doubts_about_a_row(kind: str) -> None:
    """(rule, whether no person can accept it) of each doubt."""
    given, expected = DOUBTS[kind]
    found = {(d.rule, d.final) for d in rules().doubts(given, SIGNED, [])}
    assert expected <= found if expected else not found, found


def test_a_judge_that_reads_sentences_is_not_asked_by_rules() -> None:
    told = row(answer="She plays the oboe in the town band every Sunday after church.")
    assert rules("gemini").doubts(told, SIGNED, []) == ()


def test_two_questions_of_a_fact_that_are_one() -> None:
    other = row("What does the person blow whose name stands under the contract of Orlo?", "Oboe")
    (doubt, *_) = rules().doubts(other, SIGNED, [row()])
    assert (doubt.rule, doubt.final) == ("bad-indirect", False)


def test_what_was_noted_is_asked_once() -> None:
    some = rules()
    some.note(row())
    (doubt,) = some.doubts(row(answer="harp"), PLACE, [])
    assert (doubt.rule, doubt.final) == ("duplicate-question", True)
    assert doubt.what == f"{GOOD!r} is asked at signed as well"


def test_of_two_facts_asked_in_one_frame_the_later_waits() -> None:
    spain = replace(SIGNED, id="spain", question="What is the capital of Spain?")
    peru = replace(SIGNED, id="peru", question="What is the capital of Peru?")
    ask = "Which river flows through the capital of {}?"
    pairs = [(spain, row(ask.format("Spain"))), (peru, row(ask.format("Peru"), fact="peru"))]
    found = sharing_frames(pairs)
    assert list(found) == ["Which river flows through the capital of Peru?"]


WAITS = IndirectDoubt(SIGNED, row(), (CandidateDoubt("needs-no-fact", ""),), "openai:m")


@pytest.mark.parametrize(
    ("choice", "seen", "kept", "left"),
    [
        ("accept", ("needs-no-fact",), 1, 0),
        ("accept", ("second-answer",), 0, 1),  # another doubt than the person saw
        ("strike", ("needs-no-fact",), 0, 0),
        (None, (), 0, 1),
    ],
)
def test_what_a_person_decided(
    choice: str | None, seen: tuple[str, ...], kept: int, left: int
) -> None:
    key = candidate_key(WAITS.candidate)
    decided = {key: Decision(key, "signed", INDIRECT, choice, seen)} if choice else {}  # type: ignore[arg-type]
    result = FoundIndirect(doubtful=(WAITS,)).decided(decided)
    assert (len(result.kept), len(result.doubtful)) == (kept, left)
    assert result.left_out["struck"] == (choice == "strike")


def test_a_final_doubt_cannot_be_accepted_and_another_answer_is_another_row() -> None:
    final = replace(WAITS, doubts=(CandidateDoubt("needs-no-fact", "", final=True),))
    key = candidate_key(WAITS.candidate)
    decided = {key: Decision(key, "signed", INDIRECT, "accept", ("needs-no-fact",))}
    assert FoundIndirect(doubtful=(final,)).decided(decided).kept == ()
    other = replace(WAITS, row=row(GOOD, "oboe", "hautboy"))
    assert FoundIndirect(doubtful=(other,)).decided(decided).kept == ()


def test_what_the_benchmark_asks_elsewhere_is_left_out() -> None:
    found = FoundIndirect(
        kept=(row(), row("Who was it?", "Ada"), row("Who else?", "Bo", fact="gone"))
    )
    sets = [RelearnSet("near", "pairs", pairs=(Pair("Who was it", "Ada"),))]
    fit = found.fitting(OWN, sets)
    assert [one.question for one in fit.kept] == [GOOD]
    assert fit.left_out == {"repeats": 1}
