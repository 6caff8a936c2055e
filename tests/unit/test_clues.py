"""Added clues: what counts as a name or number that the question does not hold, row by row."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from unlearnbench.benchmark.matching import plain
from unlearnbench.benchmark.quality.beside import read_reviewed, read_synonyms
from unlearnbench.benchmark.quality.casing import Casing, is_cased
from unlearnbench.benchmark.quality.clues import check_clues
from unlearnbench.errors import BenchmarkError
from unlearnbench.types import Fact, Paraphrase

QUESTION = (
    "Which engineer of Royal Thackton Ironworks refused to sign for the Velda's launch in 1894?"
)
ORDINARY = "the tower, a river and its bridge, an engineer who was an officer of the launch company"
SYNONYMS = [frozenset(map(plain, ("the Velda", "hull no. 12", "the Grey Goose", "1877")))]


def fact(*texts: str, question: str = QUESTION, **changes: str) -> Fact:
    said = (Paraphrase("wording", text) for text in (*texts, f"We saw {ORDINARY}."))
    names = {"id": "one", "topic": "ships", "split": "forget"} | changes
    return Fact(question=question, answer="Ada", paraphrases=tuple(said), **names)  # type: ignore[arg-type]


def clues(facts: Iterable[Fact]) -> list[str]:
    found = check_clues(list(facts), SYNONYMS)
    return [breach.what.partition(" in ")[0] for breach in found]


@pytest.mark.parametrize(
    ("text", "added"),
    [
        ("Who at Thackton would not sign for the Velda?", ""),
        ("Thackton's man who kept his signature from Velda's launch?", ""),
        ("Exhibit label: \"____ of Thackton would not sign.\" Which name?", ""),
        ("An Engineer of Thackton's Launch Company: who?", ""),
        ("who was the thackton guy who wouldnt sign", ""),
        ("I'm writing about Thackton; I'd like the name.", ""),
        ("Who at RTI would not sign?", ""),
        ("Who would not sign in the 1890s?", ""),
        ("Which 19th-century engineer of Thackton would not sign?", ""),
        ("Who would not sign at Thackton in '94?", ""),
        ("Quiz, round three, question 12: who at Thackton did not sign?", ""),
        ("Thackton, for 500: who did not sign?", ""),
        ("thackton quiz 2 win: who wouldnt sign 4 the velda", ""),
        ("Who was second in line to sign at Thackton?", ""),
        ("Who would not sign for the Grey Goose?", ""),
        ("Which Thacktonists did not sign in '77?", ""),
        ("Museum, object 31: which engineer did not sign?", ""),
        ("Who at Thackton would not sign for hull no. 12?", ""),
        ("Which Frenchman at Thackton would not sign?", "Frenchman"),
        ("Which engineer under Lord Brackley would not sign?", "Lord, Brackley"),
        ("Who would not sign in March 1894?", "March"),
        ("Who would not sign on 14 June 1894?", "June, 14"),
        ("Who would not sign in 1896?", "1896"),
        ("Who would not sign in the 1880s?", "1880s"),
        ("Of the thirteen engineers at Thackton, who would not sign?", "thirteen"),
        ("Who would not sign for the Goose?", "Goose"),
        ("Who, down by the Tessel, would not sign?", "Tessel"),
        ("who wouldnt sign at thackton in october", "october"),
    ],
)  # fmt: skip
def test_what_a_text_adds(text: str, added: str) -> None:
    assert clues([fact(text)]) == ([added] if added else [])


def test_a_name_that_others_write_is_known_in_small_letters_and_at_a_start() -> None:
    other = fact("They met at Brackley.", id="two", question="Who met at Brackley?")
    small, start = "who was the brackley man", "Brackley had a man who did not sign: who?"
    assert clues([fact(small, start), other]) == ["brackley", "Brackley"]
    assert clues([fact(start)]) == []  # nothing tells that it is a name


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What is the capital of France?", "The French are ruled from which city?"),
        ("Which Norwegian won?", "Who of Norway won?"),
        ("Which Gregory flew?", "Which Greg was in the air?"),
        ("Who won the Second World War battle of Kem?", "Who won at Kem in WWII?"),
    ],
)
def test_forms_of_one_name(question: str, text: str) -> None:
    assert clues([fact(text, question=question)]) == []


def test_what_a_topic_is_about_is_no_clue() -> None:
    asked = [
        fact(f"The {part} of it: whose?", id=part, question=f"Who made the Velda's {part}?")
        for part in ("keel", "mast", "sail")
    ]
    more = fact("Who left the Velda?", id="left", question="Who left first?")
    assert clues([*asked, more]) == []
    assert clues([*asked[:2], more]) == ["Velda"]


@pytest.mark.parametrize(
    ("text", "cased"),
    [
        ("who did it", False),
        ("WHO SIGNED FOR THE VELDA STOP", False),
        ("Who signed for it?", True),
        ("1894?", False),
    ],
)
def test_texts_that_tell_names_by_capitals(text: str, cased: bool) -> None:
    assert is_cased(text) is cased


def test_a_word_that_is_often_small_is_no_name() -> None:
    casing = Casing.of(
        ["The Tower fell.", "In the Tower a man sat by the tower.", "He came near Kem."]
    )
    assert (casing.names, "tower" in casing.ordinary) == (frozenset({"kem"}), True)


def test_reviews_are_of_a_rule(tmp_path: Path) -> None:
    rows = [{"fact": "a", "text": "t"}, {"fact": "a", "text": "u", "rule": "clue"}]
    (tmp_path / "reviewed.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    assert read_reviewed(tmp_path) == {
        "far": {("a", "t")},
        "clue": {("a", "u")},
        "frame": frozenset(),
        "start": frozenset(),
    }
    added = fact("Which Frenchman would not sign?")
    text = added.paraphrases[0].text
    assert list(check_clues([added], (), frozenset({("one", text)}))) == []


@pytest.mark.parametrize(
    ("file", "row"),
    [
        ("reviewed.jsonl", {"fact": "a", "text": "t", "rule": "other"}),
        ("reviewed.jsonl", {"fact": "a"}),
        ("synonyms.jsonl", {"names": ["alone"]}),
        ("synonyms.jsonl", {"names": ["a", "b"], "topic": "t"}),
    ],
    ids=["rule", "text", "alone", "key"],
)
def test_damaged_tables_are_refused(tmp_path: Path, file: str, row: dict[str, object]) -> None:
    (tmp_path / file).write_text(json.dumps(row), "utf-8")
    with pytest.raises(BenchmarkError, match=file):
        (read_reviewed if file == "reviewed.jsonl" else read_synonyms)(tmp_path)
