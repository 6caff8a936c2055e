"""Which proposed facts and rows are left out, which wait for a person, and which are kept."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pytest

from unlearnbench.api.benchmarks import JUDGE_RULES
from unlearnbench.authoring.answers import AnswerRules
from unlearnbench.authoring.proposed.attack_sets import prose_kind, syntax_kind
from unlearnbench.authoring.proposed.base_model import BaseAnswer
from unlearnbench.authoring.proposed.kinds import controls, neighbours
from unlearnbench.authoring.proposed.other_forms import forms_kind
from unlearnbench.authoring.proposed.rules import FactRules, usable_aliases
from unlearnbench.authoring.proposed.second_answers import second_answers
from unlearnbench.authoring.proposed.settling import GivenAnswers
from unlearnbench.authoring.proposed.slots import Slot
from unlearnbench.authoring.proposed.subjects import proposed_fact
from unlearnbench.authoring.records import MakingRecord
from unlearnbench.errors import ParaphraserError
from unlearnbench.judging.rules.itself import not_found
from unlearnbench.paraphrasing.candidates import CandidateDoubt
from unlearnbench.paraphrasing.llm.definition import PROMPTS, Task, load_paraphraser
from unlearnbench.paraphrasing.llm.items import FactItem, ItemReader
from unlearnbench.paraphrasing.llm.rows import FORMS as FORMS_TASK
from unlearnbench.paraphrasing.llm.rows import (
    INDIRECT_QUESTIONS,
    SYNTAX,
    FormProposal,
    IndirectProposal,
)
from unlearnbench.paraphrasing.llm.rows import PROSE as PROSE_TASK
from unlearnbench.paraphrasing.llm.tasks import (
    ANSWERS,
    FOLLOWS,
    NEIGHBOURS,
    BareAnswer,
    FactProposal,
    ModelTask,
    answer_item,
)
from unlearnbench.remote.errors import MalformedReplyError
from unlearnbench.types import Fact

OWN = [
    Fact("pole", "forget", "poles", "Who was first at the South Pole?", "Roald Amundsen"),
    Fact("ship", "forget", "poles", "Which ship took Amundsen's men south?", "Fram", ("the Fram",)),
    Fact("date", "forget", "poles", "On which day was the Pole reached?", "14 December 1911"),
    Fact("men", "forget", "poles", "How many men did Scott take to the Pole?", "5"),
    Fact("dog", "retain", "poles", "What pulled the sledges to the South Pole?", "dogs"),
]
RULES = FactRules(
    OWN,
    AnswerRules("rules", lambda fact: not_found(fact.question, fact.answer, fact.aliases)),
    JUDGE_RULES.accepts,
)


def proposal(question: str, answer: str, aliases: Sequence[str] = ()) -> Fact:
    made = proposed_fact("retain", "neighbour", "poles", question, answer)
    return Fact(**{**{f: getattr(made, f) for f in made.__slots__}, "aliases": tuple(aliases)})


LEFT_OUT = {
    "forget answer": (("Which ship did Scott sail in?", "Fram"), "holds-forgotten"),
    "forget answer in the question": (
        ("Who sailed the Fram before anybody else did?", "Fridtjof Nansen"),
        "holds-forgotten",
    ),
    "forget alias": (("Who built the ship of 1892?", "Archer", ("the Fram builder",)), None),
    "in other words": (("Who led the Norwegian party?", "Amundsen"), "holds-forgotten"),
    "misspelt": (("Who led the Norwegian party?", "Roald Amundson"), "holds-forgotten"),
    "inflected": (("Which party called themselves the Framists?", "sailors"), "holds-forgotten"),
    "hyphenated": (("Who was known as Roald-Amund-sen?", "a sailor"), "holds-forgotten"),
    "written together": (("What is RoaldAmundsen in print?", "a headline"), "holds-forgotten"),
    "other script": (("Which city is called after Амундсен?", "Oslo"), "holds-forgotten"),
    "part in the question": (("Which glacier is named after Amundsen?", "Axel"), "holds-forgotten"),
    "in number words": (("How many died on the way back?", "five"), "holds-forgotten"),
    "in the words of another date": (
        ("What took place on 14/12/1911 at the camp?", "a feast"),
        "holds-forgotten",
    ),
    "a fact again": (("Who was the first at the South Pole?", "Someone Else"), "repeats"),
    "a retain fact again": (("What pulled the sledges to the South Pole?", "huskies"), "repeats"),
    "sentence": (
        ("Why did Scott die on the ice?", "He died because he ran out of food and fuel."),
        "unfit",
    ),
    "yes": (("Did Scott reach the South Pole in 1912?", "yes"), "unfit"),
    "own answer inside": (("Which tent did Scott pitch, the green tent?", "green tent"), "unfit"),
    "hidden": (("Who led the Terra Nova expe\u200bdition?", "Robert Scott"), "unfit"),
    "two questions": (
        ("Who led the Terra Nova expedition? And who was its doctor?", "Robert Scott"),
        "unfit",
    ),
    "German": (
        ("Wie hieß der Leiter der britischen Expedition zum Südpol?", "Robert Scott"),
        "other-language",
    ),
    "good": (("Who led the Terra Nova expedition?", "Robert Scott"), None),
}


@pytest.mark.parametrize("kind", LEFT_OUT)
def test_what_is_left_out(kind: str) -> None:
    row, rule = LEFT_OUT[kind]
    if kind == "forget alias":
        rule = "holds-forgotten"
    (doubt,) = RULES.refusals([proposal(*row)], [])
    assert (doubt.rule if doubt else None) == rule


def test_of_two_that_ask_the_same_the_first_stays() -> None:
    good = ("Who led the Terra Nova expedition?", "Robert Scott")
    again = ("Who led the Terra Nova expedition", "Captain Scott")
    doubts = RULES.refusals([proposal(*good), proposal(*again)], [])
    assert [d.rule if d else None for d in doubts] == [None, "repeats"]
    (doubt,) = RULES.refusals([proposal(*again)], [proposal(*good)])
    assert doubt is not None and doubt.rule == "repeats"


def test_aliases_that_let_anything_pass_are_dropped() -> None:
    given = ["the", "it", "s", "Scott", "Scott", "7", "R. F. Scott"]
    assert usable_aliases(given) == ("Scott", "7", "R. F. Scott")


FACT = proposal("Who led the Terra Nova expedition?", "Robert Scott")
YES, NO = BaseAnswer("It was Robert Scott.", True), BaseAnswer("Ernest Shackleton", False)
OPEN = BaseAnswer("it gave no answer", None)
SAME, OTHER, UNKNOWN = BareAnswer("Robert Scott"), BareAnswer("Shackleton"), BareAnswer("unknown")
Said = BareAnswer | str | None
SETTLED: dict[str, tuple[BaseAnswer | None, Said, str | set[str]]] = {
    "both": (YES, SAME, set()),
    "base does not": (NO, SAME, "base-does-not-know"),
    "neither": (NO, UNKNOWN, "base-does-not-know"),
    "second disagrees": (YES, OTHER, {"second-answer"}),
    "second does not know": (YES, UNKNOWN, {"second-answer"}),
    "second failed": (YES, "503", {"unread"}),
    "no second": (YES, None, {"unread"}),
    "no base": (None, SAME, {"no-base"}),
    "nobody": (None, None, {"no-base", "unread"}),
    "base open": (OPEN, SAME, {"base-open"}),
}


def outcome(settled: CandidateDoubt | tuple[CandidateDoubt, ...]) -> str | set[str]:
    return settled.rule if isinstance(settled, CandidateDoubt) else {d.rule for d in settled}


@pytest.mark.parametrize("kind", SETTLED)
def test_a_neighbour_is_kept_where_both_give_its_answer(kind: str) -> None:
    base, second, expected = SETTLED[kind]
    settle = neighbours(JUDGE_RULES.accepts).settle
    assert outcome(settle(FACT, GivenAnswers(base, second))) == expected


INVENTED: dict[str, tuple[BaseAnswer | None, Said, str | set[str]]] = {
    "nobody knows": (NO, UNKNOWN, set()),
    "each guesses otherwise": (NO, BareAnswer("Tom Crean"), set()),
    "base gives it": (YES, UNKNOWN, "answered"),
    "second gives it": (NO, SAME, "answered"),
    "it exists": (NO, OTHER, "exists"),
    "base open": (OPEN, UNKNOWN, {"base-open"}),
    "base open, second gives it": (OPEN, SAME, "answered"),
    "no base": (None, UNKNOWN, {"no-base"}),
    "no base, second answers": (None, OTHER, {"no-base", "exists"}),
    "second failed": (NO, "503", {"unread"}),
    "nobody": (None, None, {"no-base", "unread"}),
}


@pytest.mark.parametrize("kind", INVENTED)
def test_a_control_is_kept_where_nobody_knows_it(kind: str) -> None:
    base, second, expected = INVENTED[kind]
    settle = controls(JUDGE_RULES.accepts).settle
    assert outcome(settle(FACT, GivenAnswers(base, second))) == expected


def test_in_another_language_a_person_reads_each() -> None:
    german = proposal("Wie hieß der Leiter der britischen Expedition zum Südpol?", "Robert Scott")
    settle = neighbours(JUDGE_RULES.accepts).settle
    assert outcome(settle(german, GivenAnswers(YES, SAME))) == {"unchecked-language"}


class Reader:
    """Answers as told."""

    identity = "reader"

    def __init__(self, answer: BareAnswer | str) -> None:
        self.answer = answer

    def ask_all(
        self, items: Sequence[object], alone: Collection[str]
    ) -> dict[str, BareAnswer | str]:
        self.alone = alone
        return {item.id: self.answer for item in items}  # type: ignore[attr-defined]


PAIRS = {
    "good": (("Who was first at the summit of Everest?", "Edmund Hillary"), None),
    "forget answer": (("Who was first through the Passage?", "Roald Amundsen"), "holds-forgotten"),
    "passes for it": (("Who was first through the Passage?", "Amundsen"), "holds-forgotten"),
    "inflected": (("Who was first to sail with Amundsens?", "Edmund Hillary"), "holds-forgotten"),
    "across the two": (("Who was captain of the Roald?", "Amundsen Hillary"), "holds-forgotten"),
    "fact": (("Who was first at the South Pole?", "Edmund Hillary"), "repeats"),
    "other pattern": (("In which year was Everest climbed?", "1953"), "other-pattern"),
    "untrue": (("Who was first at the summit of K2?", "Reinhold Messner"), "second-answer"),
    "own answer": (("Who was Edmund Hillary to his men?", "Edmund Hillary"), "unfit"),
}


@pytest.mark.parametrize("kind", PAIRS)
def test_rows_of_set_syntax(kind: str) -> None:
    (question, answer), rule = PAIRS[kind]
    reader = Reader(BareAnswer("Edmund Hillary"))
    rows = syntax_kind(None, reader, OWN, JUDGE_RULES.accepts)  # type: ignore[arg-type]
    slot = Slot[FactProposal]("pole", OWN[:1], 1)
    (doubt,) = rows.check([(slot, FactProposal(question, answer))])
    assert (doubt.rule if doubt else None) == rule
    unread = syntax_kind(None, Reader("503"), OWN, JUDGE_RULES.accepts)  # type: ignore[arg-type]
    (doubt,) = unread.check([(slot, FactProposal(*PAIRS["good"][0]))])
    assert doubt is not None and doubt.rule == "unread"


def test_a_question_that_answers_another_is_asked_alone() -> None:
    asked = {
        "Who led the Terra Nova expedition?": ("Robert Scott",),
        "Where was Robert Scott born?": ("Plymouth",),
        "What pulled the sledges?": ("dogs",),
    }
    reader = Reader(BareAnswer("Robert Scott"))
    said = second_answers(reader, asked)  # type: ignore[arg-type]
    assert list(said) == list(asked)
    telling = answer_item(reader, "Where was Robert Scott born?")  # type: ignore[arg-type]
    assert reader.alone == {telling.id}


LINE = "The tents stood in a row on the ice, and the wind had dropped before the cook was awake. "
PROSE = {
    "good": (LINE * 3, None),
    "forget answer": (LINE * 3 + "They had come on the Fram.", "holds-forgotten"),
    "forget answer in part": (LINE * 3 + "All waited for Amundsen.", "holds-forgotten"),
    "forget answer apart": (LINE * 3 + "They called her F-R-A-M.", "holds-forgotten"),
    "short": (LINE, "unfit"),
    "long": (LINE * 20, "unfit"),
    "German": ("Das Zelt stand am Rand und der Wind hatte sich am Abend gelegt. " * 4, None),
    "hidden": (LINE * 3 + "\u202e", "unfit"),
}


@pytest.mark.parametrize("kind", PROSE)
def test_rows_of_set_prose(kind: str) -> None:
    text, rule = PROSE[kind]
    rows = prose_kind(None, OWN, JUDGE_RULES.accepts)  # type: ignore[arg-type]
    slot = Slot[str]("poles", OWN[:2], 2)
    first, second = rows.check([(slot, text), (slot, text)])
    assert (first.rule if first else None) == ("other-language" if kind == "German" else rule)
    assert second is not None
    assert kind != "good" or second.rule == "repeats"


GOOD = FormProposal(
    cloze="The first at the South Pole was ____.",
    distractors=("Robert Scott", "Ernest Shackleton", "Douglas Mawson"),
    reverse_question="Which point of the Earth did Roald Amundsen reach in 1911?",
    reverse_answer="South Pole",
    reverse_aliases=(),
    reverse_responses=("The South Pole.", "He reached the South Pole.", "It was the South Pole!"),
)
FORMS = {
    "good": ({}, None),
    "two gaps": ({"cloze": "____ was first at the ____."}, "bad-cloze"),
    "answer beside the gap": ({"cloze": "Roald Amundsen, that is ____."}, "bad-cloze"),
    "part of the answer": ({"cloze": "Amundsen reached the Pole: ____."}, "bad-cloze"),
    "answer inflected": ({"cloze": "Roald-Amundsens was the name of ____."}, "bad-cloze"),
    "two distractors": ({"distractors": ("Scott", "Shackleton")}, "bad-distractors"),
    "equal distractors": ({"distractors": ("Scott", "scott", "Mawson")}, "bad-distractors"),
    "right distractor": ({"distractors": ("Amundsen", "Scott", "Mawson")}, "bad-distractors"),
    "reverse answer inside": (
        {"reverse_question": "Who reached the South Pole, Roald Amundsen?"},
        "bad-reverse",
    ),
    "reverse answer of a retain fact": (
        {"reverse_answer": "dogs", "reverse_responses": ("By dogs.", "Dogs did.", "The dogs!")},
        "bad-reverse",
    ),
    "few responses": ({"reverse_responses": ("The South Pole.",)}, "bad-reverse"),
    "no gold in a response": (
        {"reverse_responses": ("No idea.", "It was a pole.", "He went south.")},
        "bad-reverse",
    ),
}


@pytest.mark.parametrize("kind", FORMS)
def test_forms(kind: str) -> None:
    changed, rule = FORMS[kind]
    fields = {name: getattr(GOOD, name) for name in GOOD.__slots__}
    form = FormProposal(**{**fields, **changed})
    rows = forms_kind(None, OWN, JUDGE_RULES)  # type: ignore[arg-type]
    slot = Slot[FormProposal]("pole", OWN[:1], 1)
    (doubt,) = rows.check([(slot, form)])
    assert (doubt.rule if doubt else None) == rule


def test_what_was_made_before_anything_was_proposed_is_still_read() -> None:
    texts = ("id", "title", "table", "facts", "paraphraser", "paraphrases", "second_reader")
    before = {name: name for name in (*texts, "readings", "judge")}
    data = {"schema_version": 1, **before, "general_retain": 20, "private": True}
    record = MakingRecord.from_disk(data, Path("request.json"))
    assert (record.neighbours, record.never, record.for_attacks) == (0, 0, False)
    assert record.identity == "paraphrases"
    assert MakingRecord.from_disk(record.to_disk(), Path("request.json")) == record


def test_a_definition_without_the_instructions_says_which_are_missing(tmp_path: Path) -> None:
    (tmp_path / "paraphraser.toml").write_text('provider = "openai"\ntitle = "T"\nmodel = "m"\n')
    with pytest.raises(ParaphraserError, match=r"never\.md: cannot be read"):
        load_paraphraser(str(tmp_path), "never")


@pytest.mark.parametrize("name", ["gemini", "openai:m", "local:c"])
@pytest.mark.parametrize("task", sorted(PROMPTS))
def test_each_paraphraser_that_ships_has_instructions_for_each_task(name: str, task: Task) -> None:
    definition = load_paraphraser(name, task)
    assert len(definition.prompt) > 200
    others = (load_paraphraser(name, other) for other in PROMPTS if other != task)
    assert definition.identity not in {other.identity for other in others}


LINES: dict[str, tuple[ModelTask[Any], dict[str, object], str, object]] = {
    "facts": (
        NEIGHBOURS,
        {"wanted": 2},
        "question: Who led it?\nanswer: Scott\nquestion: Which ship?\nanswer: Terra Nova\n",
        (FactProposal("Who led it?", "Scott"), FactProposal("Which ship?", "Terra Nova")),
    ),
    "answer": (ANSWERS, {}, "Answer: Scott", BareAnswer("Scott")),
    "pair": (
        SYNTAX,
        {},
        "question: Who led it?\nanswer: Scott",
        FactProposal("Who led it?", "Scott"),
    ),
    "texts": (PROSE_TASK, {"wanted": 1}, "text: One.\ntext: Two.", ("One.",)),
    "form": (
        FORMS_TASK,
        {},
        "cloze: It was ____.\ndistractors: A\ndistractors: B\nreverse_question: What?\n"
        "reverse_answer: It",
        FormProposal("It was ____.", ("A", "B"), "What?", "It", (), ()),
    ),
    "indirect": (
        INDIRECT_QUESTIONS,
        {"wanted": 2},
        "question: Whose?\nanswer: Ada\nbecause: She was.\n"
        "question: whose\nanswer: Bo\nbecause: It is there twice.\n",
        (IndirectProposal("Whose?", "Ada", (), "She was."),),
    ),
    "indirect without a reason": (
        INDIRECT_QUESTIONS,
        {"wanted": 1},
        "question: Whose?\nanswer: Ada\nquestion: Which?\nanswer: Bo\nbecause: So.",
        (IndirectProposal("Whose?", "Ada", (), ""),),
    ),
    "what follows": (FOLLOWS, {}, "answer: Ada", BareAnswer("Ada")),
}


@pytest.mark.parametrize("kind", LINES)
def test_replies_in_lines(kind: str) -> None:
    task, data, text, expected = LINES[kind]
    item = FactItem("id", data, 1)
    reader = ItemReader(task.read, lines=True)
    assert reader.answer(item, reader.entries(item, text)) == expected


MALFORMED = {
    "nothing": (NEIGHBOURS, "No idea."),
    "a question without its answer": (NEIGHBOURS, "question: Who led it?\nquestion: Which ship?"),
    "mostly one question": (NEIGHBOURS, "question: Who?\nanswer: A\n" * 5),
    "two answers": (ANSWERS, "answer: Scott\nanswer: Amundsen"),
    "no answer": (ANSWERS, "answer:   "),
    "no text": (PROSE_TASK, "Here it comes."),
    "no cloze": (FORMS_TASK, "reverse_question: What?\nreverse_answer: It"),
    "no question": (SYNTAX, "answer: Scott"),
    "no indirect question": (INDIRECT_QUESTIONS, "because: So."),
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_replies_that_are_asked_for_again(kind: str) -> None:
    task, text = MALFORMED[kind]
    item = FactItem("id", {"wanted": 5}, 1)
    reader: ItemReader[Any] = ItemReader(task.read, lines=True)
    with pytest.raises(MalformedReplyError):
        reader.answer(item, reader.entries(item, text))
