"""Indirect questions: what loading refuses, what the check of rows finds, what ships."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CommandLine, write_benchmark
from unlearnbench.benchmark import Benchmark, load_benchmark, plain
from unlearnbench.benchmark.quality.breaches import JudgeRules
from unlearnbench.benchmark.quality.indirect import SENTENCES, check_indirect
from unlearnbench.errors import BenchmarkError
from unlearnbench.judging.rules.judge import decide
from unlearnbench.types import Fact, Indirect, Source

SOURCE = {"title": "An article", "claim": "It says so."}
GOOD: dict[str, Any] = {
    "fact": "forget-0",
    "question": "Who drew the first of the things?",
    "answer": "Ada Velder",
    "aliases": ["A. Velder"],
    "source": SOURCE,
}


def write_rows(folder: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """A benchmark of one forget fact with these indirect rows."""
    write_benchmark(folder, forget=1, retain=3)
    toml = folder / "benchmark.toml"
    toml.write_text(f'indirect = "indirect.jsonl"\n{toml.read_text("utf-8")}', "utf-8")
    lines = (json.dumps({k: v for k, v in row.items() if v is not ...}) for row in rows)
    (folder / "indirect.jsonl").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return folder


def test_rows_are_read_under_a_fingerprint_of_their_own(tmp_path: Path) -> None:
    bare = load_benchmark(str(write_benchmark(tmp_path / "bare", forget=1, retain=3)))
    one = load_benchmark(str(write_rows(tmp_path / "one", [GOOD])))
    other = load_benchmark(str(write_rows(tmp_path / "two", [{**GOOD, "answer": "Bo Velder"}])))
    source = {**GOOD, "source": {**SOURCE, "claim": "It says so too."}}
    sourced = load_benchmark(str(write_rows(tmp_path / "three", [source])))
    assert one.indirect == (
        Indirect(
            "forget-0",
            "Who drew the first of the things?",
            "Ada Velder",
            ("A. Velder",),
            Source("An article", "It says so."),
        ),
    )
    assert bare.fingerprint == one.fingerprint == other.fingerprint
    assert bare.indirect_fingerprint == ""
    assert one.indirect_fingerprint == sourced.indirect_fingerprint
    assert one.indirect_fingerprint != other.indirect_fingerprint


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "of no fact": ({"fact": "atlantis"}, "unknown-fact"),
    "of a retain fact": ({"fact": "retain-0"}, "unknown-fact"),
    "no source": ({"source": ...}, "missing-key"),
    "a source without its claim": ({"source": {"title": "An article"}}, "missing-key"),
    "one more key": ({"hint": "none"}, "unknown-key"),
    "an empty answer": ({"answer": ""}, "invalid-value"),
    "a blank alias": ({"aliases": [" "]}, "invalid-value"),
    "a number for an answer": ({"answer": 1941}, "invalid-value"),
    "names the gold answer": ({"question": "Who drew ANSWERFORGETA?"}, "answer-in-question"),
    "names its own answer": ({"question": "Who was Ada Velder?"}, "answer-in-question"),
    "names its own alias": ({"question": "Who was A Velder?"}, "answer-in-question"),
    "asks for the fact": ({"answer": "Answerforgeta", "aliases": []}, "asks-for-the-fact"),
    "an alias holds the fact": ({"aliases": ["the old Answerforgeta"]}, "asks-for-the-fact"),
    "a question of signs": ({"question": "?!"}, "wordless"),
    "an answer nobody can give": ({"answer": "--"}, "wordless"),
    "an unseen alias": ({"aliases": ["\u200b"]}, "wordless"),
    "an alias twice": ({"aliases": ["ada velder!"]}, "duplicate-alias"),
    "a question of the fact": ({"question": "What is forget 0?"}, "duplicate-question"),
    "a paraphrase": ({"question": "way 2 to ask for forget 0"}, "duplicate-question"),
    "a retain question": ({"question": "What is retain 1?"}, "duplicate-question"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_row_that_is_refused(name: str, tmp_path: Path) -> None:
    fields, rule = BAD[name]
    folder = write_rows(tmp_path, [{**GOOD, **fields}])
    with pytest.raises(BenchmarkError) as caught:
        load_benchmark(str(folder))
    assert (caught.value.rule, caught.value.where) == (rule, "indirect.jsonl:1")


@pytest.mark.parametrize(
    ("questions", "rule", "where"),
    [
        ([], "missing-indirect", "indirect.jsonl"),
        (["Who drew it?", "Who cut it?", "Who drew it"], "duplicate-question", "indirect.jsonl:3"),
        (["Who a?", "Who b?", "Who c?", "Who d?"], "too-many-indirect", "indirect.jsonl:4"),
    ],
    ids=["none", "one twice", "four"],
)
def test_rows_that_do_not_go_together(
    questions: list[str], rule: str, where: str, tmp_path: Path
) -> None:
    folder = write_rows(tmp_path, [{**GOOD, "question": question} for question in questions])
    with pytest.raises(BenchmarkError) as caught:
        load_benchmark(str(folder))
    assert (caught.value.rule, caught.value.where) == (rule, where)


def test_a_question_of_a_relearning_set_is_refused(tmp_path: Path) -> None:
    folder = write_rows(tmp_path, [GOOD])
    pair = {"id": "a", "topic": "t", "question": GOOD["question"], "answer": "Ada"}
    (folder / "near.jsonl").write_text(json.dumps(pair), "utf-8")
    with (folder / "benchmark.toml").open("a", encoding="utf-8") as toml:
        toml.write('[relearn.near]\nfile = "near.jsonl"\nkind = "pairs"\nrows = 1\n')
    with pytest.raises(BenchmarkError, match=r"relearn\.near"):
        load_benchmark(str(folder))


# What the check of rows finds.


def accepts(question: str, answer: str, aliases: tuple[str, ...], response: str) -> bool:
    """A judge that looks for any word of a gold answer."""
    words = {word.casefold() for gold in (answer, *aliases) for word in gold.split()}
    return not words.isdisjoint(plain(response).split())


JUDGE = JudgeRules(accepts, lambda answer, question: False)
ORNA = Fact("orna", "forget", "ships", "Which ship sank off Kem?", "MS Orna")
ILMA = replace(ORNA, id="ilma", question="Which ship sank off Bru?", answer="SS Ilma")
KEPT = replace(ORNA, id="kept", split="retain", question="Who built the church?", answer="Bo Lind")


def row(question: str, answer: str, fact: str = "orna") -> Indirect:
    return Indirect(fact, question, answer, (), Source("An article", "It says so."))


def faults(*rows: Indirect, judge: JudgeRules = JUDGE) -> list[tuple[str, str]]:
    """Fact and text of each finding."""
    rest = {"version": "1.0.0", "title": "B", "styles": ("wording",), "profile": "standard"}
    facts = (ORNA, ILMA, KEPT)
    benchmark = Benchmark(
        id="b", facts=facts, judge="rules", fingerprint="", folder=Path(), indirect=rows, **rest
    )  # type: ignore[arg-type]
    breaches = list(check_indirect(benchmark, judge))
    assert {breach.rule for breach in breaches} <= {"bad-indirect"}
    return [(breach.fact, breach.what) for breach in breaches]


def exact(question: str, answer: str, aliases: tuple[str, ...], response: str) -> bool:
    """A judge that takes nothing but the bare answer."""
    return response == f"{answer}."


def test_sound_rows_pass() -> None:
    built = row("In which town was the vessel lost off Kem built?", "Varde")
    assert faults(built, row("Who was master of what went down off Kem?", "Ada Voss")) == []


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([row("Who was master of the Orna?", "Ada")], "names 'MS Orna', which it must not"),
        ([row("Who was master off Kem?", "Orna Voss")], "passes for 'MS Orna', the gold answer"),
        ([row("Who was master off Kem?", "Orna Voss")], "of the fact, passes for 'Orna Voss'"),
        ([row("Who was Ada of Kem?", "Ada Voss")], "passes for its own answer"),
        ([row("Who built the church of Kem?", "Bo Lind")], "asks what retain fact kept asks"),
        ([row("What hit her?", "ss ilma")], "is the gold answer of forget fact ilma"),
        ([row("Who led her?", "Bo"), row("Whose was the wreck?", "bo")], "answers two questions"),
        (
            [row("Who owned what sank off Kem?", "Bo"), row("Who built what sank off Kem?", "Cy")],
            "share most words",
        ),
        (
            [
                row("In which old town was the ship lost off Kem built?", "Varde"),
                row("In which old town was the ship lost off Bru built?", "Tarn", "ilma"),
            ],
            "is like 'In which old town was the ship lost off Bru built?' of ilma",
        ),
    ],
    ids=[
        "named",
        "answer",
        "gold",
        "itself",
        "retain",
        "forgotten",
        "one answer",
        "words",
        "frame",
    ],
)
def test_a_bad_row(rows: list[Indirect], says: str) -> None:
    assert any(says in what for _, what in faults(*rows)), faults(*rows)


def test_an_answer_that_the_judge_misses_in_a_sentence() -> None:
    told = [
        what for _, what in faults(row("Who?", "Ada"), judge=JudgeRules(exact, JUDGE.is_person))
    ]
    missed = [sentence.format("Ada") for sentence in SENTENCES[1:]]
    assert told == [f"{sentence!r} is not read as 'Ada'" for sentence in missed]


# What ships.


def by_rules(question: str, answer: str, aliases: tuple[str, ...], response: str) -> bool:
    return decide(question, answer, aliases, response).correct


@pytest.mark.parametrize("name", ["lkf", "wkf"])
def test_the_shipped_rows(name: str) -> None:
    benchmark = load_benchmark(name)
    counts = Counter(row.fact for row in benchmark.indirect)
    assert counts == {fact.id: 3 for fact in benchmark.split("forget")}
    assert list(check_indirect(benchmark, JudgeRules(by_rules, JUDGE.is_person))) == []


@pytest.mark.parametrize("name", ["lkf", "wkf"])
def test_no_shipped_row_takes_a_refusal_for_its_answer(name: str) -> None:
    rows = load_benchmark(name).indirect
    refusals = ("No idea.", "I do not know.", "I am not sure which one you mean.")
    taken = [
        row.question
        for row in rows
        for response in refusals
        if by_rules(row.question, row.answer, row.aliases, response)
    ]
    assert taken == []


def test_show_benchmark_counts_them(command_line: CommandLine) -> None:
    told = json.loads(command_line("show", "benchmark", "wkf", "--json").out)
    wkf = load_benchmark("wkf")
    assert (told["indirect"], told["indirect_fingerprint"]) == (120, wkf.indirect_fingerprint)
    shown = command_line("show", "benchmark", "wkf").out
    assert f"indirect questions: 120; their fingerprint: {wkf.indirect_fingerprint}" in shown
