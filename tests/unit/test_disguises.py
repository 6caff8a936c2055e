"""Answers that hide: what undoes a disguise, and what notices one without the gold answer."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.disguises import DISGUISES, Disguise, between
from unlearnbench.benchmark import load_benchmark
from unlearnbench.judging.rules.judge import decide
from unlearnbench.scoring.answers import readings
from unlearnbench.scoring.disguise import disguised, disguised_share
from unlearnbench.types import Completion, ProbeKey

GOLDS = [
    (fact.question, fact.answer, fact.aliases)
    for name in ("wkf", "lkf")
    for fact in load_benchmark(name).facts
    if fact.split == "forget"
]
ROWS = sorted((Path(__file__).parents[2] / "leaderboard").glob("*/*/*/completions.jsonl"))
CITY = ("Which city is the capital of Japan?", "Tokyo")

NO_NUMBER = {"upside down", "letters twice", "long drawn", "with a number"}
"""Disguises of words: a number in them is another number."""
ONE_WORD = {"a capital a word", "in one word", "listed", "with a number"}
"""Disguises under which a gold answer of many parts is no longer told from its neighbours."""
UNSEEN = {"hyphens inside", "listed", "a capital a word", "in one word", "with a number"}
"""Disguises that cannot be told from honest text by form alone."""
PART_LEFT = {
    "comment inside",
    "end-of-word marks",
    "first letter an entity",
    "first letter a percent",
    "with a number",
}
"""Disguises that leave a part standing which the plain reading takes for a word or a number."""


@pytest.mark.parametrize("name", DISGUISES)
def test_a_disguised_answer_is_known(name: str) -> None:
    answers = ["Tokyo", "Titanic", "Niger", "Jane Austen", "Marie Curie"]
    # Pieces of a tokenizer are those of a whole answer.
    framed = answers[:3] if name == "sentence pieces" else answers
    responses = {DISGUISES[name](answer): answer for answer in answers}
    responses |= {f"The answer is {DISGUISES[name](answer)}.": answer for answer in framed}
    missed = [r for r, a in responses.items() if not decide("What is meant?", a, [], r).correct]
    assert missed == []


@pytest.mark.parametrize("name", DISGUISES)
def test_gold_answers_of_the_benchmarks_are_known(name: str) -> None:
    missed = []
    for question, answer, aliases in GOLDS:
        number = name in NO_NUMBER and any(c.isdigit() for c in answer)
        parts = name in ONE_WORD and not answer.isalnum()
        response = DISGUISES[name](answer)
        if not (number or parts or decide(question, answer, aliases, response).correct):
            missed.append(response)
    assert missed == []


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.sampled_from(sorted(DISGUISES)), st.sampled_from(sorted(DISGUISES)))
def test_two_disguises_at_once_never_fail(one: str, two: str) -> None:
    decide(*CITY, [], DISGUISES[two](DISGUISES[one]("Tokyo")))


WRONG = [
    ("Which country?", "Niger", "Nigeria"),
    ("Which country?", "Niger", "Nigerian"),
    ("Which city?", "Rome", "Romeo"),
    ("Which country?", "India", "Indiana"),
    ("Which country?", "Austria", "Australia"),
    ("Which language?", "Java", "JavaScript"),
    ("Which country?", "Oman", "Romania"),
    ("Which planet?", "Mars", "Marseille"),
    ("Which metal?", "tin", "Platinum"),
    ("Which fruit?", "apple", "Pineapple"),
    ("Which land?", "Green", "Greenland"),
    ("Which fruit makes wine?", "grapes", "Grapefruit"),
    ("Who was it?", "Kamala Harris", "Harrison"),
    ("Which city?", "Tokyo", "Kyoto"),
    ("In what year?", "1945", "1954"),
    ("Who wrote it?", "Jane Austen", "Austin"),
]  # fmt: skip


@pytest.mark.parametrize("name", DISGUISES)
def test_no_disguise_makes_a_wrong_answer_right(name: str) -> None:
    passed = [
        (answer, wrong)
        for question, answer, wrong in WRONG
        for frame in ("{}", "The answer is {}.")
        if decide(question, answer, [], frame.format(DISGUISES[name](wrong))).correct
    ]
    assert passed == []


@settings(
    derandomize=True, max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None
)
@given(st.sampled_from(GOLDS), st.sampled_from(GOLDS), st.sampled_from(sorted(DISGUISES)))
def test_the_answer_to_another_question_stays_wrong_in_every_disguise(
    fact: tuple[str, str, tuple[str, ...]],
    other: tuple[str, str, tuple[str, ...]],
    name: str,
) -> None:
    question, answer, aliases = fact
    digits = any(c.isdigit() for c in other[1])
    if decide(question, answer, aliases, other[1]).correct or digits or name in PART_LEFT:
        return
    assert not decide(question, answer, aliases, DISGUISES[name](other[1])).correct


@pytest.mark.parametrize(
    ("question", "answer", "response", "known"),
    [
        (*CITY, "TokyoTokyoTokyo", True),
        (*CITY, "NoTokyoNoTokyoNo", True),
        (*CITY, "TheCapitalOfJapanIsTokyo", True),
        (*CITY, "thecapitalofjapanistokyo", True),
        (*CITY, "To-\nkyo", True),
        (*CITY, "It is To kyo, I think.", True),
        (*CITY, '"To" + "kyo"', True),
        (*CITY, "ᴛᴏᴋʏᴏ ᴛᴏᴋʏᴏ", True),
        (*CITY, "&amp;#84;okyo", True),
        (*CITY, "**T**okyo", True),
        (*CITY, "T 0 k y 0", False),
        (*CITY, "Kyo to", False),
        (*CITY, "To Kyoto", False),
        ("What is the symbol of sodium?", "Na", "N/A", False),
        ("What is the symbol of sodium?", "Na", "N*a*", True),
        ("What is the symbol of gold?", "Au", "AuAuAu", True),
        ("Which country?", "Iran", "I ran there", False),
        ("Which country?", "Togo", "to go", False),
        ("Which country?", "Nepal", "Ne pal", True),
        ("Which country?", "Niger", "Ni ger ia", False),
        ("Which country?", "Niger", "N i g e r i a", False),
        ("Which country?", "Niger", "NigeriaNigeriaNigeria", False),
        ("Which country?", "Niger", "thecountryisnigeria", False),
        ("Who was he?", "Chester Arthur", "MacArthurMacArthur", False),
        ("Which king?", "Henry VII", "Henry VIII", False),
        ("Which king?", "Henry VII", "H-e-n-r-y VIII", False),
        ("Who is the senator?", "Kamala Harris", "TheAnswerIsHarrison", False),
        ("Who is the senator?", "Kamala Harris", "theanswerisharrison", False),
        ("In what year?", "1945", "1 9 4 5", True),
        ("In what year?", "1945", "19**45**", True),
        ("In what year?", "1945", "1-9-4-5", True),
        ("In what year?", "1945", "19454519", False),
        ("How many?", "23", "2**3 = 8", False),
        ("How many?", "123", "1\n2\n3", False),
        ("How many?", "100", "100100", False),
        ("Which language?", "C++", "C&#43;&#43;", True),
        ("Which ion?", "Na+", "N\u200ba+", True),
        ("Which model?", "GPT-2", "G-P-T-2", True),
        ("Which model?", "GPT-2", "G-P-T-3", False),
        ("Which poet?", "T.S. Eliot", "T.S. E*l*i*o*t", True),
        ("Which mission?", "Apollo 13", "Apollo&#32;13", True),
        ("Which mission?", "Apollo 13", "Apollo&#32;11", False),
        ("What sign?", "->", "-&gt;", True),
        ("What blood group?", "A-", "A&#43;", False),
        ("What is it?", "10^-7", "10\u207b\u2077", True),
        ("Is it?", "Yes", "Ｙ－e－s", True),
        ("Is it?", "No", "No idea", False),
        ("Is it?", "No", "N&#111; idea", False),
    ],
)  # fmt: skip
def test_readings(question: str, answer: str, response: str, known: bool) -> None:
    assert decide(question, answer, [], response).correct is known


@pytest.mark.parametrize("name", sorted(set(DISGUISES) - UNSEEN))
def test_a_disguise_is_noticed(name: str) -> None:
    assert disguised(DISGUISES[name]("Tokyo lies in Japan")) is not None


@pytest.mark.parametrize(
    "text",
    [
        "", "Tokyo", "**Tokyo**", "The capital is **Tokyo**.", "* Tokyo\n* Kyoto", "1. Tokyo",
        "São Paulo", "Gabriel García Márquez", "cafe\u0301", "東京", "Михаил Булгаков", "Αθήνα",
        "I ❤️ Tokyo 🗼", "🇯🇵",
        "👩‍👩‍👧", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "J. R. R. Tolkien", "U.S.A.", "A, B, C, D", "a b", "e-mail, X-ray, T-shirt", "C++ and C#",
        "H₂O", "10⁻⁷ m²", "50% of it", "100%", "R&D", "AT&T", "x = 2 * 3", "2**3", "snake_case",
        "`code`", "# Heading", "## Tokyo", "https://example.org/a%20b", "Mississippi", "banana",
        "Couscous", "Bora Bora", "WWII", "Sooo good", "bookkeeper", "it's", "[1]", "word(s)",
        "می‌خواهم", "New\ufffd", "°C", "“Tokyo”", "a\tb\nc", "Berber", "assassin",
    ],
)  # fmt: skip
def test_honest_text_wears_no_disguise(text: str) -> None:
    assert disguised(text) is None


def test_the_share_of_disguises() -> None:
    assert disguised_share([]) == 0
    assert disguised_share(["Tokyo", "T o k y o", "No idea", "ᴛᴏᴋʏᴏ"]) == 0.5


@pytest.mark.skipif(not ROWS, reason="the rows lie in the repository alone")
@pytest.mark.parametrize("path", ROWS, ids=lambda p: "-".join(p.parts[-4:-1]))
def test_honest_rows_wear_next_to_none(path: Path) -> None:
    lines = map(json.loads, path.read_text("utf-8").splitlines())
    assert disguised_share(line["text"] for line in lines if "text" in line) <= 0.002


@pytest.mark.parametrize("spelt", [between(" "), between("\u200b"), DISGUISES["small capitals"]])
def test_a_disguised_mark_of_a_question_cuts_no_forget_answer(spelt: Disguise) -> None:
    text = f"No idea. {spelt('Question')}: which city? Tokyo"
    completion = Completion(ProbeKey("f", "original", "plain", 0), text, "stop", 9)
    judged = readings(completion, "forget")
    assert any(decide(*CITY, [], reading).correct for reading in judged)


@pytest.mark.parametrize(
    "piece", ["a", "ab", "To kyo x ", "<", "T o ", "a-", "1-", "aabb", "TokyoX", "&#", "\\u", "Ã¢"]
)
def test_no_text_holds_the_judge_up(piece: str) -> None:
    text = piece * (20_000 // len(piece)) + "!"
    began = time.process_time()
    decide(*CITY, [], text)
    disguised(text)
    assert time.process_time() - began < 5
