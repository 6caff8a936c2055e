"""Rules for candidates, row by row: what each stops, and what looks like it and passes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnbench.paraphrasing.candidates import CandidateDoubt
from unlearnbench.paraphrasing.rules.answers import check_answer
from unlearnbench.paraphrasing.rules.asked import check_asked, kinds_asked
from unlearnbench.paraphrasing.rules.languages import check_language, is_english
from unlearnbench.paraphrasing.rules.repeats import Present, Questions
from unlearnbench.paraphrasing.rules.shapes import check_shape
from unlearnbench.paraphrasing.rules.templates import check_template
from unlearnbench.paraphrasing.rules.words import in_digits, plain_words, unaccented
from unlearnbench.types import Fact

QUESTION = "Which harbour engineer signed for the ferry Velda's first crossing to Norland in 1894?"


def fact(answer: str, *aliases: str, question: str = QUESTION) -> Fact:
    return Fact("one", "forget", "ferries", question, answer, aliases)


def rules(doubts: object) -> list[str]:
    if doubts is None:
        return []
    return [doubts.rule] if isinstance(doubts, CandidateDoubt) else [d.rule for d in doubts]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("Ada Wexley", "Was it Ada Wexley who signed for the Velda?"),
        ("Ada Wexley", "Who, like ADA WEXLEY, signed for the Velda?"),
        ("Ada Wexley", "Which Wexley signed for the ferry Velda?"),
        ("Ada Wexley", "which wexley signed for the velda"),
        ("Ada Wexley", "Whose surname was Wexley's father's too, and signed for the Velda?"),
        ("Ada Wexley", "Which of the Wexleys signed for the ferry Velda?"),
        ("Ada Wexley", "Ada, an engineer, signed for the Velda: her surname?"),
        ("Ada Wexley", "Who was the engineer Wexly that signed for the ferry Velda?"),
        ("Ada Wexley", "Who was AdaWexley of the ferry Velda?"),
        ("Robert Kilbride", "Bob the engineer signed for the Velda: surname?"),
        ("Aimé Médoc", "Which Medoc signed for the ferry Velda?"),
        ("Søren Kjær", "Which Kjaer signed for the ferry Velda?"),
        ("Straße 9", "At which Strasse 9 did she sign?"),
        ("Pier 6", "At pier six, or where, did she sign for the Velda?"),
        ("Pier 6", "Was pier number 6 the place where she signed?"),
        ("1917", "In which year, nineteen or 1917, was it?"),
        ("seven", "How many, 7 perhaps, signed for the Velda?"),
        ("Norland Institute for Ferries", "Who, of the NIF, signed for the Velda?"),
        ("missile silos", "In which old silos does the Velda lie?"),
        ("missile silos", "In which silos for missiles does the Velda lie?"),
        ("東京", "日本の首都東京はどこですか"),
        ("Москва", "Столица России Москва или какой город?"),
    ],
)
def test_given_away(answer: str, text: str) -> None:
    found = check_answer(fact(answer), text)
    assert found is not None
    assert found.rule in ("answer-in-question", "answer-in-part")


def test_by_alias_and_final() -> None:
    found = check_answer(fact("Ada Wexley", "Lady Ferrar"), "Which Lady Ferrar signed?")
    assert found == CandidateDoubt("answer-in-question", "holds 'Lady Ferrar'", final=True)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("Ada Wexley", "Who put her name to the first voyage of the Velda?"),
        ("Fort Wexley", "At which fort did she sign for the Velda?"),
        ("Lord Wexley", "Which lord signed for the Velda?"),
        ("Wexley House", "In which house was it signed?"),
        ("Velda Harbour", "Where, in which harbour, did the engineer sign for the Velda?"),
        ("The Frozen North", "Which book tells the story of the Velda?"),
        ("Ada Wexley", "Radar was unknown when who signed for the Velda?"),
        ("six", "Sixteen people looked on: how many signed for the Velda?"),
    ],
)
def test_not_given_away(answer: str, text: str) -> None:
    assert check_answer(fact(answer), text) is None


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (f"Can you tell me {QUESTION[0].lower()}{QUESTION[1:]}", "template"),
        (f"Please, do you happen to know {QUESTION[0].lower()}{QUESTION[1:]}", "template"),
        (f"{QUESTION[:-1]}, please?", "template"),
        (f"I would be grateful to hear {QUESTION[0].lower()}{QUESTION[1:]}", "template"),
        (QUESTION.replace("signed", "vouched"), "near-copy"),
        (QUESTION.replace("first", "last"), "near-copy"),
        ("Who vouched for the maiden trip of the Velda to Norland?", ""),
        ("For the Velda's first crossing to Norland in 1894, whose signature was given?", ""),
        ("", ""),
    ],
)
def test_templates(text: str, rule: str) -> None:
    assert rules(check_template(QUESTION, text)) == ([rule] if rule else [])


def test_template_in_another_language() -> None:
    question = "Welcher Ingenieur unterschrieb 1894 für die erste Überfahrt der Fähre Velda?"
    assert rules(check_template(question, f"Sag mir: {question}")) == ["near-copy"]
    assert not check_template("谁写了这本书?", "这部作品出自何人之手?")
    assert rules(check_template("谁写了这本有名的书?", "请问谁写了这本有名的书?")) == ["near-copy"]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Which engineer signed? And which ship was it that she signed for?", "several-questions"),
        ("Which engineer signed for the Velda, and when did she sign?", "several-questions"),
        ("Was it the Velda or the Norland that an engineer signed for?", "options"),
        ("Who signed: (a) the master (b) the engineer (c) the pilot?", "options"),
        ("An engineer signed for the ferry Velda's first crossing to Norland.", "no-question"),
        ("**Which engineer** signed for the ferry?", "markup"),
        ("1. Which engineer signed for the ferry?", "markup"),
        ("Paraphrase 2: Which engineer signed for the ferry?", "markup"),
        ("Which engineer\nsigned for the ferry?", "markup"),
        ("Which engineer signed? <br> See https://example.org", "markup"),
        ("Who signed?", "too-short"),
        ("word " * 60 + "?", "too-long"),
        ("Name the engineer who signed for the Velda.", ""),
        ("Plaque: ____ signed for the Velda.", ""),
        ("whos the engineer that signed for the velda", ""),
        ("The Velda sailed in 1894. Who signed for her, and rightly so?", ""),
    ],
)
def test_shapes(text: str, rule: str) -> None:
    assert rules(check_shape(QUESTION, text, english=True)) == ([rule] if rule else [])


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Who signed for the Velda?", "organization/person"),
        ("Which harbour engineer signed?", "person"),
        ("In which Norland town was she born?", "place"),
        ("The Velda sailed from which port?", "place"),
        ("She was born in 1860: where?", "place"),
        ("When did she sign?", "time"),
        ("In what year did she sign?", "time"),
        ("How many people signed?", "number"),
        ("Why did she sign?", "reason"),
        ("Under what title did she publish her life?", "work"),
        ("Which town's engineer signed?", "person/place"),
        ("What did the engineer sign?", "thing"),
        ("The ship on which the engineer sailed sank", ""),
        ("When she signed, the crowd cheered.", ""),
        ("Which colour had the Velda?", "thing"),
    ],
)
def test_kinds(text: str, kinds: str) -> None:
    assert "/".join(sorted(kinds_asked(text))) == kinds


def test_another_kind_is_another_question() -> None:
    assert rules(check_asked(QUESTION, "Why did an engineer sign for the Velda?"))
    assert rules(check_asked(QUESTION, "In which year was the Velda signed for?"))
    assert rules(check_asked("Which medal did she get?", "When did she get a medal?"))
    assert not rules(check_asked(QUESTION, "Name the man who signed for the Velda."))
    assert not rules(check_asked(QUESTION, "Plaque: ____ signed for the Velda."))


GERMAN = "In welcher Stadt wurde die Ingenieurin der Fähre Velda geboren?"


@pytest.mark.parametrize(
    ("question", "text", "found"),
    [
        (QUESTION, "Which woman signed for the Velda?", []),
        (QUESTION, "velda 1894 who signed??", []),
        (QUESTION, "Welche Ingenieurin unterschrieb für die Fähre Velda?", ["other-language"]),
        (QUESTION, "Wie schreef Velda Norland?", ["other-language"]),
        (QUESTION, "谁为渡轮签了字?", ["other-language", "mixed-script"]),
        (QUESTION, "Which engineer sіgned for the Velda?", ["mixed-script"]),
        (QUESTION, "Which engineer signed for the паром Velda?", ["mixed-script"]),
        (GERMAN, "Wo kam die Ingenieurin der Velda zur Welt?", ["unchecked-language"]),
        (
            GERMAN,
            "In which city was the engineer of the Velda born?",
            ["unchecked-language", "other-language"],
        ),
        (
            GERMAN,
            "Dans quelle ville est née l'ingénieure du bac Velda ?",
            ["unchecked-language", "other-language"],
        ),
        (
            "В каком городе родилась инженер парома?",
            "Где родилась инженер парома?",
            ["unchecked-language"],
        ),
    ],
)
def test_languages(question: str, text: str, found: list[str]) -> None:
    assert rules(list(check_language(question, text))) == found


@pytest.mark.parametrize(
    "question",
    [
        "Which volcano destroyed Pompeii?",
        "who shot jaurès",
        "What is the capital of Peru?",
        "Who wrote Don Quijote de la Mancha?",
        'Which song begins "Frère Jacques, dormez-vous"?',
    ],
)
def test_english_with_foreign_names(question: str) -> None:
    assert is_english(question)


@pytest.mark.parametrize(
    "question",
    [
        "Qui a écrit Barometer Rising ?",
        "Wer schrieb den Roman Barometer Rising?",
        "¿Quién escribió Barometer Rising?",
        "Kuka maalasi kuvan kahdesta jääkarhusta?",
        "Barometer Rising'i kim yazdı?",
        "ジュディス・レズニックはどの都市で生まれましたか?",
        "أي مهندس رفض التوقيع على توصية الإطلاق؟",
    ],
)
def test_not_english(question: str) -> None:
    assert not is_english(question)


def test_repeats() -> None:
    present = Present(QUESTION, ["Who signed for the Velda?"])
    assert rules(present.repeated(QUESTION.upper(), "evaluation")) == ["duplicate-wording"]
    assert rules(present.repeated("who signed for the velda", "evaluation")) == [
        "duplicate-wording"
    ]
    assert rules(present.repeated("Who signed for the Veldas?", "evaluation")) == [
        "duplicate-wording"
    ]
    assert not present.repeated("By whom was the Velda signed for?", "evaluation")
    present.add("By whom was the Velda signed for?", "training")
    found = present.repeated("By whom was the Velda signed for!", "evaluation")
    assert found is not None
    assert found.rule == "trained-wording"
    assert found.final
    assert rules(present.repeated("By whom was the Velda signed for!", "training")) == [
        "duplicate-wording"
    ]


def test_openings() -> None:
    present = Present(QUESTION, ["Name the engineer who signed.", "Name the engineer who vouched."])
    assert not present.same_opening("Name the engineer who wrote.")
    present.add("Name the engineer who stayed.", "evaluation", counts=False)
    assert not present.same_opening("Name the engineer who wrote.")
    present.add("Name the engineer who left.", "evaluation")
    assert rules(present.same_opening("Name the engineer who wrote.")) == ["equal-starts"]


def test_another_facts_question() -> None:
    questions = Questions([("one", QUESTION), ("two", "Who built the Velda?")])
    assert rules(questions.asked_by("one", "Who built the Velda")) == ["shared-wording"]
    assert not questions.asked_by("two", "Who built the Velda")


def test_words_of_unspaced_scripts_are_letters() -> None:
    assert plain_words("东京 in 1964") == ("东", "京", "in", "1964")
    assert unaccented("Œuvre d'Søren") == "oeuvre d soren"
    assert in_digits("Pier Six, first") == "pier 6 1"


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_text_is_checked(question: str, text: str) -> None:
    one = fact("Ada Wexley", question=question)
    check_answer(one, text)
    check_template(question, text)
    list(check_shape(question, text, english=True))
    list(check_asked(question, text))
    list(check_language(question, text))
    assert Present(question, [text]).repeated(text, "evaluation") or not plain_words(text)


@given(st.text(alphabet="abcdefgh ", min_size=1, max_size=40), st.sampled_from(["", "Is it ", "?"]))
def test_whoever_holds_the_answer_is_stopped(before: str, after: str) -> None:
    found = check_answer(fact("Ada Wexley"), f"{before} Ada Wexley {after}")
    assert found is not None
    assert found.final
