"""Gold answers the rules can judge, and those they must refuse instead of missing them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import write_benchmark
from unlearnbench.api.judges import judge_for
from unlearnbench.api.rejudging import estimate, rejudge
from unlearnbench.api.scoring import score
from unlearnbench.benchmark import load_benchmark
from unlearnbench.benchmark.sentences import is_sentence, sentence_rows
from unlearnbench.errors import BenchmarkError, JudgeError
from unlearnbench.judging.calibrate import default_items, load_items
from unlearnbench.judging.rules import tables
from unlearnbench.judging.rules.itself import FRAMES, not_found
from unlearnbench.judging.rules.judge import RULES_VERSION, RulesJudge, decide
from unlearnbench.paths import content_root
from unlearnbench.plugins import BUILTIN
from unlearnbench.types.options import RunOptions

_GOLDS = """
C++ C# F# A+ A- O+ O- AB- Na+ Na⁺ Ca2+ Cl- SO4²⁻ Fe3+ e- .NET ASP.NET Node.js Notepad++ Disney+
$ % € & @ # * ** _ ~ ! ? -> == <= != ++ ( [] ... :) ± ≠ ∞ → 😀 ❤️ 🇫🇷 👩‍👩‍👧 Δ π Ω α-helix ℵ₀ √2 ½
東京 北京市 ガンダム 서울 กรุงเทพ القاهرة ירושלים दिल्ली Москва Αθήνα Київ ქართული አማርኛ
1/2 3.14 1,000,000 -40 +44 10^-3 6.02×10²³ 50% $5 1e-5 '89 1980s 1861-65 9/11 24/7 12:30 5'11" 0 42
H2O H₂SO₄ E=mc² a²+b²=c² O(1) i++ x86-64 R2-D2 4K U2 M*A*S*H 7-Eleven B-52 COVID-19 C-3PO
A B a i x I V O it the The no yes true of and US us he He IT who May may Bear won Polish lead
AC/DC R&B AT&T P!nk Yahoo! O'Brien d'Artagnan Jean-Paul St. J.R.R. Ph.D. Łódź Ångström Þór résumé
"""
_LONGER = """
Visual C++|F# minor|World War II|Louis XIV|4 July 1776|July 1776|the 1980s|5 ft 10 in|100 °C|-40 °C
The Who|The The|To be or not to be|U.S. Route 66|Martin Luther King Jr.|red, white and blue
Earth, Wind & Fire|Dr. No|one half
"""
GOLDS = [*_GOLDS.split(), *_LONGER.strip().replace("\n", "|").split("|")]


@pytest.mark.parametrize("question", ["Which one is it?", "Who was the king?"])
def test_a_gold_answer_is_found_in_itself(question: str) -> None:
    assert [gold for gold in GOLDS if not_found(question, gold, ()) is not None] == []
    lost = [
        (gold, frame)
        for gold in GOLDS
        for frame in FRAMES
        if not decide(question, gold, (), frame.format(gold)).correct
    ]
    assert lost == []


_FAMILIES = """
C C++ C# | A A+ A- | Na Na+ | O+ O- | AB AB+ AB- | Cl Cl- | F F# | Fe2+ Fe3+ | K K+ | e- e+
= == === | < <= > | -> => | ! ? | 😀 😃 | 東京 京都 | 서울 부산 | $ % € | # @ | 10^3 10^-3 | -40 40
1/2 1/3 1 | H2O H2 | √2 √3 | net .NET | R R&B | S21 S21+
"""
FAMILIES = [family.split() for family in _FAMILIES.strip().replace("\n", "|").split("|")]


@pytest.mark.parametrize("family", FAMILIES, ids=" ".join)
def test_signs_tell_names_apart(family: list[str]) -> None:
    confused = [
        (gold, frame.format(other))
        for gold in family
        for other in family
        for frame in FRAMES
        if other != gold and decide("Which is it?", gold, (), frame.format(other)).correct
    ]
    assert confused == []


def test_an_alias_the_rules_leave_to_the_person_is_found() -> None:
    assert not_found("Who painted it?", "Hieronymus Bosch", ("Bosch", "Jheronimus Bosch")) is None
    # A bare name does not tell Cleopatra VII from her namesakes: as an alias it would do nothing.
    assert not_found("Which queen?", "Cleopatra VII", ("Cleopatra",)) == "Cleopatra"


def test_the_short_way_agrees_with_all_frames() -> None:
    facts = {
        (item.question, item.answer, tuple(item.aliases))
        for path in default_items()
        for item in load_items(path)
    }
    for question, answer, aliases in sorted(facts):
        lost = next(
            (
                gold
                for gold in (answer, *aliases)
                for frame in FRAMES
                if not decide(question, answer, aliases, frame.format(gold)).correct
            ),
            None,
        )
        assert not_found(question, answer, aliases) == lost, answer


WORDS = sorted(
    {
        word
        for table in (tables.GIVEN_NAMES, tables.TITLES, tables.UNITS, tables.MONTHS,
                      tables.ABBREVIATIONS, tables.GENERIC_AFTER, tables.KIND_WORDS)
        for name in table
        for word in name.split()
        if word.isalpha()
    }
)  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3), st.booleans())
def test_what_is_passed_without_a_look_is_found(words: list[str], capital: bool) -> None:
    gold = " ".join(word.title() if capital else word for word in words)
    if not_found("Which one?", gold, ()) is None:
        for frame in FRAMES:
            assert decide("Which one?", gold, (), frame.format(gold)).correct


def test_verdicts_are_frozen() -> None:
    """Who changes one raises RULES_VERSION and runs `python -m tests.freeze_rules`."""
    path = content_root() / "judges" / "rules" / "frozen.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert len(rows) >= 900
    changed = [
        row
        for row in rows
        if decide(row["question"], row["answer"], row["aliases"], row["response"]).correct
        != (row["verdict"] == "correct")
    ]
    assert changed == []
    assert (RULES_VERSION, RulesJudge().identity[:16]) == ("5", "b492950fc27b6920")


SENTENCES = [
    "The author's full name is Hsiao Yun-Hwa.",
    "Basil Mahfouz Al-Kuwaiti was born in Kuwait City, Kuwait",
    "Tokyo is the capital of Japan",
    "He writes in the genre of true crime",
    "it is a dwarf planet",
    "It was Tokyo.",
    "He loves football.",
    "Critics shelve the books under courtroom drama.",
    "Jaime Vasquez has received the Edgar Allan Poe Award",
    "他出生于北京的一个知识分子家庭。",
]
SHORT = [
    "Tokyo", "To Kill a Mockingbird", "I Know Why the Caged Bird Sings", "The Sun Is Also a Star",
    "To be or not to be", '"I think, therefore I am"', "Martin Luther King Jr.", "Washington, D.C.",
    "red, orange, yellow, green, blue, indigo and violet.", "What is to be Done?", "4 July 1776",
    "Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb", "about 5 km per hour",
    "the ratio of a circle's circumference to its diameter", "the left ventricle of the heart",
    "United Nations Educational, Scientific and Cultural Organization", "E = mc²", "10:00 am",
    "Guess Who's Coming to Dinner", "the man who was king", "Prince Edward, Duke of Kent",
]  # fmt: skip


def test_sentences_are_told_from_short_answers() -> None:
    assert [text for text in SENTENCES if not is_sentence(text)] == []
    assert [text for text in SHORT if is_sentence(text)] == []


def test_no_shipped_fact_is_a_sentence_and_all_of_tofu_are() -> None:
    for name in ("lkf", "wkf", "tofu-mini"):
        assert not load_benchmark(name).sentences
    tables_of_tofu = content_root() / "benchmarks" / "tofu-mini" / "tables"
    for name in ("forget25", "full", "holdout25", "retain75"):
        lines = (tables_of_tofu / f"{name}.jsonl").read_text("utf-8").splitlines()
        answers = [json.loads(line)["answer"] for line in lines]
        assert all(map(is_sentence, answers))
        bare = [(answer.rstrip("."), ()) for answer in answers]
        assert sentence_rows(bare)


def test_running_text_in_another_language_is_told_by_its_share() -> None:
    texts = ["Er wurde in Berlin geboren.", "Sie schrieb zwei lange Romane.", "Er starb in Wien."]
    assert sentence_rows([(text, ()) for text in texts]) == [0, 1, 2]
    assert sentence_rows([(text, ("Berlin",)) for text in texts]) == []


def changed(folder: Path, split: str, number: int, **fields: object) -> Path:
    """A benchmark with one row of a split changed."""
    write_benchmark(folder)
    path = folder / f"{split}.jsonl"
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    lines[number] |= fields
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return folder


@pytest.mark.parametrize("split", ["forget", "retain"])
def test_a_sentence_is_refused_under_the_rules_wherever_it_stands(
    tmp_path: Path, split: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none-needed")
    folder = changed(tmp_path / "b", split, 1, answer="She was born in a small town by the sea.")
    assert load_benchmark(str(folder)).sentences
    for judge in (None, "rules", "jury:rules+openai:a+openai:b"):
        with pytest.raises(JudgeError, match=rf"{split}\.jsonl:2.*alias"):
            score("nowhere", str(folder), judge=judge)


def test_a_short_alias_makes_a_sentence_judgeable(tmp_path: Path) -> None:
    text = "She was born in a small town by the sea."
    folder = changed(tmp_path / "b", "forget", 1, answer=text, aliases=["Whitby"])
    assert judge_for(load_benchmark(str(folder)), "rules").name == "rules"


def test_the_form_of_answers_may_be_declared(tmp_path: Path) -> None:
    folder = write_benchmark(tmp_path / "b")
    before = load_benchmark(str(folder))
    toml = (folder / "benchmark.toml").read_text("utf-8")
    (folder / "benchmark.toml").write_text('answers = "sentences"\n' + toml, "utf-8")
    declared = load_benchmark(str(folder))
    assert declared.sentences
    assert declared.fingerprint != before.fingerprint
    with pytest.raises(JudgeError, match="whole sentences"):
        judge_for(declared, None)
    changed(tmp_path / "b", "forget", 1, answer="She was born in a small town by the sea.")
    (folder / "benchmark.toml").write_text('answers = "short"\n' + toml, "utf-8")
    with pytest.raises(BenchmarkError, match=r"forget\.jsonl:2: sentence-answer"):
        load_benchmark(str(folder))


@pytest.mark.parametrize(
    ("fields", "lost"),
    [({"answer": "=#"}, "=#"), ({"answer": "Henry VIII", "aliases": ["Henry"]}, "Henry")],
)
def test_a_row_the_rules_would_always_miss_is_refused(
    tmp_path: Path, fields: dict[str, object], lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none-needed")
    folder = changed(tmp_path / "b", "retain", 2, **fields)
    with pytest.raises(BenchmarkError, match=rf"retain\.jsonl:3: answer-not-found.*'{lost}'"):
        score("nowhere", str(folder))
    benchmark = load_benchmark(str(folder))
    assert judge_for(benchmark, "openai:a").name == "openai:a"


def test_a_stored_run_of_sentences_is_not_judged_by_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs of an earlier version did not say that their answers are sentences."""
    monkeypatch.setitem(BUILTIN["engines"], "scripted", "tests.scripted:ScriptedEngine")
    monkeypatch.setattr("unlearnbench.api.judges.RulesJudge", type("Another", (), {}))
    text = "She was born in a small town by the sea."
    folder = changed(tmp_path / "b", "retain", 1, answer=text)
    score(
        "knows-all",
        str(folder),
        engine="scripted",
        run_options=RunOptions(tmp_path / "run"),
        profile="quick",
    )
    monkeypatch.undo()
    path = tmp_path / "run" / "run.json"
    manifest = json.loads(path.read_text("utf-8"))
    assert manifest["identity"]["answers"] == "sentences"
    manifest["identity"]["answers"] = "short"
    path.write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(JudgeError, match="whole sentences"):
        rejudge(tmp_path / "run", "rules", run_options=RunOptions(tmp_path / "again"))
    with pytest.raises(JudgeError, match="whole sentences"):
        estimate(tmp_path / "run", "rules")
