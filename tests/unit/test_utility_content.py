"""The bundled content of utility: fair questions, no duplicates, detectors that hold on labels."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from unlearnbench.benchmark import load_benchmark
from unlearnbench.benchmark.utility_sets import load_utility_sets
from unlearnbench.errors import BenchmarkError
from unlearnbench.paths import content_root
from unlearnbench.utility.degeneration import KINDS, answer_kind, degeneration

FOLDER = content_root() / "benchmarks" / "utility"
ROWS = content_root() / "leaderboard" / "submissions"
SETS = load_utility_sets()


class Labelled(NamedTuple):
    id: str
    half: str
    kind: str
    language: str
    source: str
    text: str


TABLE = [
    Labelled(**json.loads(line))
    for line in (FOLDER / "degeneration.jsonl").read_text("utf-8").splitlines()
]


def folded(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def test_there_is_enough_of_everything() -> None:
    assert len(SETS.questions) >= 200
    assert len({question.subject for question in SETS.questions}) >= 20
    assert len(SETS.instructions) >= 100
    assert len({row.kind for row in SETS.instructions}) >= 10
    assert {row.language for row in SETS.instructions} == {"en", "fr", "de", "es"}
    assert len(SETS.prose) >= 30
    assert all(40 <= len(paragraph.text.split()) <= 90 for paragraph in SETS.prose)


def test_nothing_comes_twice() -> None:
    questions = [folded(row.question) for row in (*SETS.shots, *SETS.questions)]
    texts = [folded(paragraph.text) for paragraph in SETS.prose]
    asked = [folded(row.instruction) for row in SETS.instructions]
    for rows in (questions, texts, asked):
        assert [row for row, count in Counter(rows).items() if count > 1] == []
    for question in (*SETS.shots, *SETS.questions):
        assert len({folded(choice) or choice for choice in question.choices}) == 4, question.id


def test_letters_are_balanced() -> None:
    counts = Counter(question.answer for question in SETS.questions)
    assert set(counts.values()) == {len(SETS.questions) // 4}


def test_no_question_is_answered_by_its_form() -> None:
    """Taking the longest choice, the shortest, or the one with most of the question's words."""
    rules = {
        "longest": lambda question, choice: len(choice),
        "shortest": lambda question, choice: -len(choice),
        "echo": lambda question, choice: len(
            set(folded(choice).split()) & set(folded(question).split())
        ),
    }
    for name, rule in rules.items():
        right = 0.0
        for row in SETS.questions:
            scores = [rule(row.question, choice) for choice in row.choices]
            best = [place for place, score in enumerate(scores) if score == max(scores)]
            right += ("ABCD".index(row.answer) in best) / len(best)
        assert right / len(SETS.questions) <= 0.33, name


def test_questions_ask_nothing_that_is_to_be_forgotten() -> None:
    """Forgetting is not counted against utility: no gold answer of a demo's forget set."""
    gold = {folded(f.answer) for f in load_benchmark("wkf").facts if f.split == "forget"}
    for row in SETS.questions:
        assert folded(row.choices["ABCD".index(row.answer)]) not in gold, row.id


def test_bad_rows_are_refused(tmp_path: Path) -> None:
    for name in ("shots", "mcq", "instructions", "prose"):
        source = (FOLDER / f"{name}.jsonl").read_text("utf-8")
        (tmp_path / f"{name}.jsonl").write_text(source, "utf-8")
    assert load_utility_sets(tmp_path).fingerprint == SETS.fingerprint
    path = tmp_path / "prose.jsonl"
    first = path.read_text("utf-8").splitlines()[0]
    for text, rule in (
        (f"{first}\n{first}\n", "duplicate-id"),
        ("", "no-rows"),
        ('{"id": "a", "text": ""}\n', "invalid-value"),
        ('{"id": "a", "text": "b", "more": 1}\n', "unknown-key"),
        ('{"id": "a"}\n', "missing-key"),
    ):
        path.write_text(text, "utf-8")
        with pytest.raises(BenchmarkError) as refused:
            load_utility_sets(tmp_path)
        assert refused.value.rule == rule


def test_the_table_is_large_and_varied() -> None:
    assert len(TABLE) >= 300
    assert {row.kind for row in TABLE} == set(KINDS)
    assert len({(row.text, row.language) for row in TABLE}) == len(TABLE)
    assert sum(row.source != "own" for row in TABLE) >= 80
    halves = Counter(row.half for row in TABLE)
    assert abs(halves["tuning"] - halves["held-out"]) <= 10


def test_real_outputs_are_those_of_the_rows() -> None:
    stored: dict[str, str] = {}
    for name in {row.source.split("/")[0] for row in TABLE if row.source != "own"}:
        for line in (ROWS / name / "run" / "completions.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            stored[f"{name}/{row['fact']}/{row['phrasing']}/{row['context']}"] = row.get("text", "")
    assert all(stored[row.source] == row.text for row in TABLE if row.source != "own")


@pytest.mark.parametrize("half", ["tuning", "held-out"])
def test_detectors_agree_with_the_labels(half: str) -> None:
    rows = [row for row in TABLE if row.half == half]
    right = sum(answer_kind(row.text, row.language) == row.kind for row in rows)
    assert right / len(rows) >= 0.98


def test_no_good_answer_is_called_anything_else() -> None:
    good = [row for row in TABLE if row.kind == "good"]
    assert [row.id for row in good if answer_kind(row.text, row.language) != "good"] == []
    assert [p.id for p in SETS.prose if answer_kind(p.text, "en") != "good"] == []


def test_bundled_questions_are_no_gibberish() -> None:
    """Thousands of good short texts that nobody tuned on."""
    texts = [f.question for name in ("wkf", "lkf") for f in load_benchmark(name).facts]
    counts = degeneration([(text, "en") for text in texts])
    assert counts["gibberish"] == 0
    assert counts["good"] / len(texts) >= 0.99
