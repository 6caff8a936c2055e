"""Shared frames, aliases and reverse questions: rows that pass, and rows that must not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from unlearnbench.benchmark import Benchmark
from unlearnbench.benchmark.quality.aliases import check_aliases
from unlearnbench.benchmark.quality.breaches import JudgeRules
from unlearnbench.benchmark.quality.frames import check_frames
from unlearnbench.benchmark.quality.reverse import check_reverse
from unlearnbench.types import Fact, Form, Paraphrase

PERSON = "Thomas Velder"


def strict(question: str, answer: str, aliases: tuple[str, ...], response: str) -> bool:
    """A judge that reads a surname alone as the person, and looks for all else word by word."""
    surname = answer.split()[-1]
    if answer == PERSON and response == surname:
        return True
    golds = {answer, *aliases} - ({surname} if answer == PERSON else set())
    return any(gold.casefold() in response.casefold() for gold in golds)


JUDGE = JudgeRules(strict, lambda answer, _: answer == PERSON)


def fact(name: str, question: str, *texts: str, **changes: object) -> Fact:
    said = tuple(Paraphrase("wording", text) for text in texts)
    sound = Fact(
        id=name, split="forget", topic="t", question=question, answer="Veld", paraphrases=said
    )
    return replace(sound, **changes)  # type: ignore[arg-type]


# Frames.


@pytest.mark.parametrize(
    ("one", "two", "shared"),
    [
        ("Name the capital city of Japan.", "Name the capital city of Kenya.", True),
        ("Which city is Japan's capital?", "Which city is the Kenyan capital?", True),
        ("Japan's capital goes by what name?", "Kenya's capital: goes by what name?", True),
        ("Flash card. Front: Japan. Back: ____", "Flash card. Front: Kenya. Back: ____", True),
        ("Where do Japan's ministers meet?", "Kenya is run from what city?", False),
        ("Japan: capital?", "Kenya: capital?", False),  # too short to be a frame
        ("What is the place of Japan?", "What is the place of Kenya?", False),
    ],
)
def test_frames(one: str, two: str, shared: bool) -> None:
    japan = fact("japan", "What is the capital of Japan?", one)
    kenya = fact("kenya", "What is the capital of Kenya?", two)
    found = list(check_frames([japan, kenya]))
    assert [breach.fact for breach in found] == (["japan", "kenya"] if shared else [])
    if shared:
        assert (repr(one) in found[0].what, repr(two) in found[0].what) == (True, True)
    elsewhere = replace(kenya, topic="other")
    assert list(check_frames([japan, elsewhere])) == []


def test_a_frame_is_named_once_and_may_be_reviewed() -> None:
    facts = [
        fact(land, f"What is the capital of {land}?", f"Name the capital city of {land}.")
        for land in ("Japan", "Kenya", "Ghana")
    ]
    assert len(list(check_frames(facts))) == 3
    kept = frozenset({("Japan", "Name the capital city of Japan.")})
    assert [breach.fact for breach in check_frames(facts, kept)] == ["Kenya", "Ghana"]


# Aliases.


@pytest.mark.parametrize(
    ("answer", "alias", "rule"),
    [
        ("SS Clara", "Clara", "common-alias"),
        ("Hughes Aircraft", "Hughes", "common-alias"),
        ("Minuteman missile silos", "silos", "common-alias"),
        ("Orna", "Eagle", "common-alias"),
        (PERSON, "Velder", "bare-name"),
        (PERSON, "Vellder", "common-alias"),  # this judge reads the listed spelling as a word
        (PERSON, "Tom Velder", None),
        (PERSON, "the Fox of Kem", None),
        ("the Danube", "Danube", None),
        ("mitochondrion", "water", None),
        ("Tehran", "Teheran", None),
        ("Kentucky Fried Chicken", "KFC", None),
    ],
)
def test_aliases(answer: str, alias: str, rule: str | None) -> None:
    row = fact("one", "Which is it?", answer=answer, aliases=(alias,))
    assert [breach.rule for breach in check_aliases([row], JUDGE)] == ([rule] if rule else [])


def test_a_word_that_the_rows_write_small_is_a_common_one() -> None:
    row = fact("one", "Which ship took the preserver, at last?", answer="USS Orn")
    row = replace(row, aliases=("Preserver",))
    assert [breach.rule for breach in check_aliases([row], JUDGE)] == ["common-alias"]


# Reverse questions.


FORM = Form(
    fact="forget",
    cloze="It was ____.",
    distractors=("A", "B", "C"),
    reverse_question="On board which ship was Velder the pilot?",
    reverse_answer="the Imola",
    reverse_aliases=("SS Imola",),
    reverse_responses=("He steered the Imola.", "That was the Imola", "SS Imola, I think."),
)


def found(form: Form, *retain: Fact) -> list[str]:
    facts = (fact("forget", "Who was the pilot?"), *retain)
    benchmark = Benchmark(
        id="b", version="1.0.0", title="B", facts=facts, styles=("wording",), profile="standard",
        judge="rules", fingerprint="", folder=Path(), forms=(form,),
    )  # fmt: skip
    breaches = list(check_reverse(benchmark, JUDGE))
    assert {(b.rule, b.fact) for b in breaches} <= {("bad-reverse", "forget")}
    return [breach.what for breach in breaches]


def kept(name: str, question: str, **changes: object) -> Fact:
    return fact(name, question, **{"split": "retain", "tier": "topic", **changes})


def test_a_sound_reverse_question_passes() -> None:
    twice = (kept("r1", "Who saw the Imola?"), kept("r2", "Who built the Imola?"))
    elsewhere = [kept(f"o{n}", f"The Imola, part {n}?", topic="other") for n in range(3)]
    assert found(FORM, *twice, *elsewhere) == []
    title = "An Officer and the Imola Spy"
    book = replace(FORM, reverse_answer=title, reverse_aliases=("the Imola", "SS Imola"))
    assert found(book) == []
    assert found(replace(FORM, reverse_responses=(*FORM.reverse_responses, "SS Imola"))) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"reverse_question": "Who steered the Imola?"}, "stands in its question"),
        ({"reverse_question": "Who steered SS Imola?"}, "stands in its question"),
        ({"reverse_answer": "to sign the launch papers of Imola"}, "a description"),
        ({"reverse_responses": ()}, "0 different reverse_responses"),
        ({"reverse_responses": ("Ah, the Imola.", "ah, the imola", "SS Imola it is")}, "2 diff"),
        ({"reverse_responses": (*FORM.reverse_responses[:2], "SS Imola.")}, "beside the bare"),
        ({"reverse_responses": (*FORM.reverse_responses, "The other one")}, "is not read as"),
        ({"reverse_question": "Which of the Imolas?"}, "passes for its own answer"),
    ],
    ids=["answer", "alias", "long", "none", "repeated", "bare", "refused", "itself"],
)  # fmt: skip
def test_a_bad_reverse_question(changes: dict[str, object], says: str) -> None:
    what = found(replace(FORM, **changes))  # type: ignore[arg-type]
    assert any(says in text for text in what), what


def test_what_retain_keeps_alive_is_no_reverse_answer() -> None:
    owner = kept("r", "Which ship sank?", answer="Imo", aliases=("SS Imola",), topic="other")
    assert found(FORM, owner) == ["'SS Imola' is an answer of retain fact r"]
    often = [kept(f"r{n}", f"What did the Imola do on day {n}?") for n in range(3)]
    assert found(FORM, *often) == ["'the Imola' stands in 3 retain questions of its topic"]
