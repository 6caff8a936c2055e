"""A user's own indirect questions and forms: `--indirect` and `--forms`."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import CommandLine, Printed
from tests.rwku_samples import RWKU_TABLES
from tests.sample_facts import BLOOD, FACTS, SPAIN, Line, write
from tests.strict_samples import LeakyEngine
from unlearnbench.api.authoring import make_benchmark
from unlearnbench.api.scoring import score
from unlearnbench.benchmark import load_benchmark
from unlearnbench.types.authoring import MakeOptions
from unlearnbench.types.options import RunOptions

Make = Callable[..., Printed]
HEADER = ("question", "indirect", "answer", "aliases", "source")
RIVER = "On which river does the seat of Spain's government lie?"
ROOMS = "How many chambers does the organ have that drives our circulation?"
GOOD: list[Line] = [
    (SPAIN, RIVER, "Manzanares", "the Manzanares", "Madrid | lies on the Manzanares"),
    (BLOOD, ROOMS, "4", "four", ""),
]
FORMS_HEADER = (
    *("question", "cloze", "distractors", "reverse_question", "reverse_answer"),
    *("reverse_aliases", "reverse_responses"),
)
FORMS: list[Line] = [
    (
        SPAIN,
        "The capital of Spain is ____.",
        "Seville|Bilbao|Valencia",
        "Which country is governed from Madrid?",
        "Spain",
        "",
        "It is Spain.|Spain is governed from there.|That is Spain!",
    ),
    (
        BLOOD,
        "The organ that pumps blood is the ____.",
        "liver|lung|kidney",
        "Which liquid does the heart pump?",
        "blood",
        "",
        "It pumps blood.|The liquid is blood.|That would be our blood.",
    ),
]


@pytest.fixture
def make(tmp_path: Path, command_line: CommandLine) -> Make:
    """Make a benchmark of two sample facts and a retain fact, without paraphrases."""
    rows = [(*fact, "forget") for fact in FACTS]
    kept = ("Which animal barks?", "dog", "retain")
    facts = write(tmp_path / "facts.csv", ("question", "answer", "split"), [*rows, kept])

    def call(*words: object, out: str = "mine") -> Printed:
        named = ("--paraphraser", "none", "--out", tmp_path / out)
        return command_line("make-benchmark", facts, *named, *words)

    return call


def indirect(folder: Path, lines: list[Line], header: Line = HEADER) -> Path:
    return write(folder / "indirect.csv", header, lines)


def rows_of(folder: Path, name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / name).read_text("utf-8").splitlines()]


def test_both_tables_carry_strict(make: Make, tmp_path: Path) -> None:
    forms = write(tmp_path / "forms.csv", FORMS_HEADER, FORMS)
    done = make("--indirect", indirect(tmp_path, GOOD), "--forms", forms)
    assert done.code == 0, done.err
    assert "- it carries profile strict, with as few paraphrases\n" in done.out
    assert "- taken from your table: 2 indirect questions\n" in done.out
    first, second = rows_of(tmp_path / "mine", "indirect.jsonl")
    assert first["source"] == {"title": "Madrid", "claim": "lies on the Manzanares"}
    assert second["source"] == {"title": "indirect.csv", "claim": "4"}
    assert second["aliases"] == ["four"]
    card = (tmp_path / "mine" / "README.md").read_text("utf-8")
    assert "It carries profile strict, with as few paraphrases." in card
    assert "- table indirect.csv: 2 rows" in card and "- table forms.csv: 2 rows" in card
    options = RunOptions(tmp_path / "run")
    engine = LeakyEngine("indirect")
    name = engine.info.checkpoint
    run = score(name, str(tmp_path / "mine"), profile="strict", engine=engine, run_options=options)
    assert run.scores["forget.strict"].value == run.scores["strict.indirect"].value == 1.0
    assert run.scores["forget.worst_case"].value == 0.0


def test_what_is_missing_is_said_and_how_to_make_it(
    make: Make, tmp_path: Path, command_line: CommandLine
) -> None:
    told = make("--indirect", indirect(tmp_path, GOOD[:1])).out
    lacks = "it has no forms.jsonl; indirect.jsonl has no row of which-organ-pumps-blood-through"
    how = "give `unlearnbench make-benchmark` your rows with --forms TABLE and --indirect TABLE"
    for said in (told, (tmp_path / "mine" / "README.md").read_text("utf-8").replace("\\", "")):
        assert lacks in said and how in said
    words = ("--benchmark", tmp_path / "mine", "--profile", "strict", "--out", tmp_path / "run")
    done = command_line("score", "smollm2-135m", *words)
    assert done.code == 2
    (line,) = done.err.strip().splitlines()
    assert lacks in line and how in line and line.endswith("--profile standard can ask it")
    assert not (tmp_path / "run").exists()


OTHERS = {
    "tofu-mini": (None, "it has no forms.jsonl (`forms` in benchmark.toml); it has no indirect.js"),
    "rwku": (RWKU_TABLES, "it has no forms.jsonl; it has no indirect.jsonl; --profile standard"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_benchmarks_of_others_say_why_they_cannot(
    name: str, command_line: CommandLine, tmp_path: Path
) -> None:
    source, says = OTHERS[name]
    where = () if source is None else ("--source", source)
    words = ("--benchmark", name, *where, "--profile", "strict", "--out", tmp_path / "run")
    done = command_line("score", "smollm2-135m", *words)
    assert done.code == 2
    (line,) = done.err.strip().splitlines()
    assert f"it cannot carry profile strict: {says}" in line
    assert "make-benchmark" not in line


BAD: dict[str, tuple[list[Line], str]] = {
    "no such fact": (
        [("What is the capital of Spai?", RIVER, "Manzanares", "", "")],
        "indirect.csv:2: no fact asks 'What is the capital of Spai?'",
    ),
    "of nothing": ([("", RIVER, "Manzanares", "", "")], "neither question nor id says of which"),
    "a retain fact": (
        [("Which animal barks?", "What does it hunt?", "cats", "", "")],
        "which-animal-barks is a retain fact; only what is to be forgotten is asked indirectly",
    ),
    "no question": ([(SPAIN, "", "Manzanares", "", "")], "indirect.csv:2: indirect is empty"),
    "no answer": ([(SPAIN, RIVER, " ", "", "")], "indirect.csv:2: answer is empty"),
    "names the gold": (
        [(SPAIN, "On which river is Madrid?", "Manzanares", "", "")],
        "answer-in-question: what-is-the-capital-of-spain: 'Madrid' stands in",
    ),
    "names itself": (
        [(SPAIN, "Which river is the Manzanares?", "Manzanares", "", "")],
        "'Manzanares' stands in 'Which river is the Manzanares?'",
    ),
    "asks for the fact": (
        [(SPAIN, "Where does its king live?", "in Madrid", "", "")],
        "asks-for-the-fact: what-is-the-capital-of-spain: 'in Madrid' holds 'Madrid'",
    ),
    "asked by a fact": (
        [(SPAIN, "Which animal barks", "wolf", "", "")],
        "duplicate-question: what-is-the-capital-of-spain: 'Which animal barks' is asked at",
    ),
    "twice": (
        [GOOD[0], (BLOOD, RIVER, "Ebro", "", "")],
        f"{RIVER!r} is asked at indirect.csv:2 as well",
    ),
    "four": (
        [
            (SPAIN, f"Which thing has number {n} there?", f"thing {'abcd'[n]}", "", "")
            for n in range(4)
        ],
        "indirect.csv:5: what-is-the-capital-of-spain has more than 3 indirect questions",
    ),
    "a guess": ([(SPAIN, "Is it on a river?", "yes", "", "")], "'yes' is guessed by every second"),
    "a sentence": (
        [(SPAIN, RIVER, "It lies on the banks of the river Manzanares in the middle.", "", "")],
        "is a whole sentence, which judge rules cannot recognise",
    ),
    "an alias twice": (
        [(SPAIN, RIVER, "Manzanares", "manzanares!", "")],
        "one of Manzanares, manzanares! is there twice",
    ),
    "signs": ([(SPAIN, "?!", "Manzanares", "", "")], "'?!' has neither letter nor digit"),
    "hidden": (
        [(SPAIN, f"{RIVER[:-1]}\u200b?", "Manzanares", "", "")],
        "indirect holds the hidden character",
    ),
    "very long": ([(SPAIN, "why " * 600, "Manzanares", "", "")], "2000 are taken"),
    "nothing": ([], "it has no rows below its header"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_table_of_indirect_questions(kind: str, make: Make, tmp_path: Path) -> None:
    lines, says = BAD[kind]
    done = make("--indirect", indirect(tmp_path, lines))
    assert done.code == 2
    assert says in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "mine").exists()


def test_all_faults_are_told_at_once(make: Make, tmp_path: Path) -> None:
    some = ("no such fact", "names the gold", "asks for the fact", "a guess", "an alias twice")
    done = make("--indirect", indirect(tmp_path, [BAD[kind][0][0] for kind in some]))
    assert done.code == 2
    assert all(f"indirect.csv:{number}: " in done.err for number in range(2, 7))
    assert "indirect.csv:7" not in done.err


WORDS = {
    "no such file": (("--indirect", "no-such.csv"), "no-such.csv"),
    "no column": (("--indirect", "facts.csv"), "no column 'indirect'"),
    "no such forms": (("--forms", "no-such.xlsx"), "no-such.xlsx"),
    "forms of another table": (("--forms", "facts.csv"), "no column 'cloze'"),
    "a folder": (("--indirect", "."), "."),
}


@pytest.mark.parametrize("kind", WORDS)
def test_tables_that_are_none(
    kind: str, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, says = WORDS[kind]
    monkeypatch.chdir(tmp_path)
    done = make(*words)
    assert (done.code, says in done.err, "Traceback" in done.err) == (2, True, False), done.err


BAD_FORMS: dict[str, tuple[dict[str, str], str]] = {
    "no gap": (
        {"cloze": "The capital of Spain."},
        "bad-cloze: what-is-the-capital-of-spain: a cloze",
    ),
    "gold beside the gap": ({"cloze": "Madrid is ____."}, "bad-cloze"),
    "gold inflected": ({"cloze": "Madrids other name is ____."}, "it holds an accepted answer"),
    "two wrong answers": ({"distractors": "Seville|Bilbao"}, "three wrong answers are needed"),
    "no wrong answers": ({"distractors": ""}, "forms.csv:2: distractors is empty"),
    "a right one among them": ({"distractors": "Seville|Madrid|Bilbao"}, "bad-distractors"),
    "reverse answer inside": (
        {"reverse_question": "Is it Spain that is governed from Madrid?"},
        "'Spain' stands in its question",
    ),
    "nobody says it": (
        {"reverse_responses": "It is.|That one.|Of course."},
        "response 'It is.' is not read as 'Spain'",
    ),
    "too few responses": ({"reverse_responses": "It is Spain."}, "at least 3 are needed"),
    "of no fact": ({"question": "Who?"}, "no fact asks 'Who?'"),
    "of a retain fact": ({"question": "Which animal barks?"}, "only forget facts have forms"),
    "twice": ({"question": BLOOD}, "has a form at forms.csv:2 already"),
}


@pytest.mark.parametrize("kind", BAD_FORMS)
def test_a_bad_table_of_forms(kind: str, make: Make, tmp_path: Path) -> None:
    changed, says = BAD_FORMS[kind]
    first = tuple({**dict(zip(FORMS_HEADER, FORMS[0], strict=True)), **changed}.values())
    done = make("--forms", write(tmp_path / "forms.csv", FORMS_HEADER, [first, FORMS[1]]))
    assert done.code == 2
    assert says in done.err, done.err


def test_a_doubtful_row_waits_for_a_person(make: Make, tmp_path: Path) -> None:
    """`Madrids` is no whole word of the gold answer, which only a person can tell to be another."""
    doubtful = (SPAIN, "Which river and its towns lie near the Spanish king's house?", "Jarama")
    lines = [
        (*doubtful, "Jarama river", ""),
        GOOD[1],
        (SPAIN, f"{RIVER[:-1]} of Spain's king?", "Manzanares", "", ""),
    ]
    lines[2] = (SPAIN, "On which river do Madrids bridges lie?", "Manzanares", "", "")
    table = indirect(tmp_path, lines)
    done = make("--indirect", table)
    assert done.code == 0, done.err
    assert "in doubt: 1, accept or strike in review.html" in done.out
    kept = [row["question"] for row in rows_of(tmp_path / "mine", "indirect.jsonl")]
    assert kept == [doubtful[1], ROOMS]
    review = tmp_path / "mine" / "review.csv"
    with review.open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["candidate"] == "On which river do Madrids bridges lie? — Manzanares"
    assert "cannot be accepted" in row["doubts"]
    with review.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerow({**row, "decision": "accept"})
    refused = make("--indirect", table, "--resume")
    assert refused.code == 2 and "final-doubt" in refused.err
    review.unlink()
    # Mended where it was written, into the same folder.
    lines[2] = GOOD[0]
    mended = make("--indirect", indirect(tmp_path, lines))
    assert mended.code == 0, mended.err
    assert len(rows_of(tmp_path / "mine", "indirect.jsonl")) == 3
    assert not review.exists()


def test_other_forms_are_another_benchmark_and_other_questions_are_not(
    make: Make, tmp_path: Path
) -> None:
    forms = write(tmp_path / "forms.csv", FORMS_HEADER, FORMS)
    assert make("--forms", forms).code == 0
    before = load_benchmark(str(tmp_path / "mine"))
    assert make("--forms", forms, "--indirect", indirect(tmp_path, GOOD)).code == 0
    after = load_benchmark(str(tmp_path / "mine"))
    assert (before.fingerprint, before.indirect) == (after.fingerprint, ())
    assert len(after.indirect) == 2
    again = make("--indirect", indirect(tmp_path, GOOD))
    assert again.code == 2
    assert "with forms" in again.err and "now none" in again.err


def test_by_id_and_under_other_names(tmp_path: Path, command_line: CommandLine) -> None:
    facts = write(tmp_path / "facts.csv", ("id", "Frage", "answer"), [("a", SPAIN, "Madrid")])
    table = indirect(tmp_path, [("A", RIVER, "Manzanares")], ("id", "Folge", "answer"))
    named = ("--column", "question=Frage", "--column", "indirect=Folge")
    words = ("--paraphraser", "none", *named, "--indirect", table)
    done = command_line("make-benchmark", facts, *words, "--out", tmp_path / "mine")
    assert done.code == 0, done.err
    (row,) = rows_of(tmp_path / "mine", "indirect.jsonl")
    assert (row["fact"], row["question"]) == ("a", RIVER)


def test_the_sample_that_ships_carries_strict(tmp_path: Path) -> None:
    made = make_benchmark(
        "sample-facts",
        tmp_path / "mine",
        paraphraser="file:sample-facts",
        make_options=MakeOptions(indirect="sample-facts", forms="sample-facts"),
    )
    assert made.benchmark is not None
    assert made.report.strict == "it carries profile strict"
    assert made.doubtful == ()
    assert len(made.benchmark.indirect) == 24 and len(made.benchmark.forms) == 12
