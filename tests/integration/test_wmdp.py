"""WMDP end to end: from a hub on loopback and from files, its metric, ours, and open questions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.conftest import CommandLine
from tests.hub_server import DataSet, HubServer, Rows
from tests.wmdp_samples import NAMES, WMDP_TABLES, Row, changed_wmdp, wmdp_rows
from unlearnbench.api.scoring import score
from unlearnbench.api.wmdp import score_wmdp
from unlearnbench.benchmark.choices.sources import MMLU
from unlearnbench.benchmark.sources import load_source
from unlearnbench.benchmark.wmdp import PARTS, WMDP, load_wmdp
from unlearnbench.benchmark.wmdp_retain import SUBJECTS
from unlearnbench.errors import BenchmarkError
from unlearnbench.types import JudgeItem, Judgement
from unlearnbench.types.options import EngineOptions, RunOptions

FLOAT32 = EngineOptions(dtype="float32")


def wmdp_on_a_hub() -> dict[str, dict[str, Rows]]:
    return {name: {"test": wmdp_rows(name)} for name in NAMES}


def mmlu_on_a_hub() -> dict[str, dict[str, Rows]]:
    subjects = [*(name for names in SUBJECTS.values() for name in names), "anatomy"]
    rows = [
        {
            "question": f"What is made of part {n} of {subject}?",
            "subject": subject,
            "choices": [f"{word}{n}" for word in ("glass", "paper", "wool", "clay")],
            "answer": n % 4,
        }
        for subject in subjects
        for n in range(3)
    ]
    return {"all": {"test": rows, "dev": rows[:1]}}


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    sets = {WMDP: DataSet(wmdp_on_a_hub()), MMLU: DataSet(mmlu_on_a_hub())}
    with HubServer(sets) as server:
        yield server


def test_the_hub_and_a_folder_hold_the_same(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hub.use(monkeypatch, tmp_path)
    one, two = load_wmdp("hub", PARTS), load_wmdp(str(WMDP_TABLES), PARTS)
    assert [table.rows for table in one] == [table.rows for table in two]
    copy = tmp_path / "copy" / "wmdp-bio"
    copy.mkdir(parents=True)
    text = (WMDP_TABLES / "wmdp-bio.jsonl").read_text("utf-8")
    (copy / "test-00000-of-00001.jsonl").write_text(text, "utf-8")
    assert load_wmdp(str(copy.parent), ["bio"])[0].rows == one[0].rows


def test_what_is_kept_is_near_in_mmlu_or_what_is_named(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hub.use(monkeypatch, tmp_path)
    chem = load_source("wmdp-chem", "hub")
    assert {f.topic for f in chem.split("retain")} == {"college-chemistry", "high-school-chemistry"}
    assert {f.tier for f in chem.split("retain")} == {"kept"}
    named = load_source("wmdp-chem:anatomy", "hub")
    assert {f.topic for f in named.split("retain")} == {"anatomy"}
    assert named.fingerprint != chem.fingerprint
    assert len(load_source("wmdp", "hub").split("retain")) == 18
    with pytest.raises(BenchmarkError, match="unknown-subject: anatomi"):
        load_source("wmdp-chem:anatomi", "hub")


def test_rows_of_the_hub_become_files_of_ones_own(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command_line: CommandLine
) -> None:
    hub.use(monkeypatch, tmp_path)
    out = tmp_path / "bio"
    done = command_line("wmdp", "--part", "bio", "--export", out, "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["asked"] == 9
    assert "wmdp-bio row 3 points at its choices" in told["left_out"]
    there = load_source("wmdp-bio", "hub")
    monkeypatch.undo()
    here = load_source("wmdp-bio", str(out))
    assert here.split("forget") == there.split("forget")
    retain = [[(f.question, f.answer) for f in b.split("retain")] for b in (here, there)]
    assert retain[0] == retain[1]
    left_out = (out / "left_out.csv").read_text("utf-8").splitlines()
    assert left_out[1] == (
        "wmdp-bio row 3,points at its choices,Which of the following vegetables is a root?"
    )
    again = command_line("wmdp", "--export", out, "--source", WMDP_TABLES)
    assert (again.code, "not an empty folder" in again.err) == (2, True)


def test_paraphrases_come_from_a_benchmark_made_of_the_export(
    tmp_path: Path, command_line: CommandLine
) -> None:
    """The round trip: export, make-benchmark into `paraphrases`, found beside the tables."""
    tables = changed_wmdp(tmp_path / "tables", "wmdp-chem", lambda rows: rows[5:7])
    folder = tmp_path / "chem"
    exported = ("wmdp", "--source", tables, "--part", "chem", "--export", folder)
    done = command_line(*exported)
    assert done.code == 0, done.err
    assert "not asked openly of wmdp-chem: denies (1)\n" in done.out
    assert "not asked openly of retain: points at its choices (1)\n" in done.out
    table = tmp_path / "mine.csv"
    asked, other = "Which metal does rust form on?", "What metal gets covered by rust?"
    table.write_text(f"question,paraphrase,style\n{asked},{other},wording\n")
    making = ("make-benchmark", folder / "facts.csv", "--paraphraser", f"file:{table}")
    made = command_line(*making, "--out", folder / "paraphrases", "-q")
    assert (folder / "paraphrases" / "benchmark.toml").is_file(), made.err
    (fact,) = load_source("wmdp-chem", str(folder)).split("forget")
    assert [p.text for p in fact.paraphrases] == [other]


def test_open_questions_want_a_semantic_judge(
    tiny_llama: Path, tmp_path: Path, command_line: CommandLine
) -> None:
    run = ("score", tiny_llama, "--benchmark", "wmdp-bio", "--source", WMDP_TABLES, "-q")
    for judge in ((), ("--judge", "rules")):
        done = command_line(*run, *judge, "--out", tmp_path / "run")
        assert (done.code, done.out) == (2, "")
        assert "LLM judge" in done.err
        assert not (tmp_path / "run").exists()
    benchmark = load_source("wmdp-bio", str(WMDP_TABLES))
    assert "9 of 16 questions asked openly" in benchmark.title
    assert (benchmark.id, benchmark.sentences) == ("wmdp-bio", True)


class ReadingJudge:
    """Stands for an LLM judge: reads the gold answer anywhere in a response."""

    name, identity = "reading", "1" * 64

    def judge(self, items: Sequence[JudgeItem]) -> Iterator[Judgement]:
        for item in items:
            verdict = "correct" if item.answer in item.response else "incorrect"
            yield Judgement(item.key, verdict, self.identity, "")


@pytest.mark.usefixtures("scripted")
def test_the_worst_case_of_open_questions(tmp_path: Path) -> None:
    run = score(
        "knows-all",
        benchmark="wmdp-bio",
        source=str(WMDP_TABLES),
        judge=ReadingJudge(),
        engine="scripted",
        run_options=RunOptions(out=tmp_path / "run"),
    )
    assert run.scores["forget.worst_case"].value == 1.0
    assert run.scores["forget.worst_case"].n == 9
    assert run.scores["retain.kept"].value == 1.0


def test_the_command_prints_a_table_and_writes_the_record(
    tiny_llama: Path, tmp_path: Path, command_line: CommandLine
) -> None:
    out = tmp_path / "result.json"
    command = ("wmdp", tiny_llama, "--source", WMDP_TABLES, "--dtype", "float32", "-q")
    done = command_line(*command, "--out", out)
    assert done.code == 0, done.err
    assert "rotations.all" in done.out
    assert "without --base nobody knows" in " ".join(done.out.split())
    stored = json.loads(out.read_text("utf-8"))
    assert stored["schema"] == "unlearnbench-wmdp/1"
    assert {name: part["n"] for name, part in stored["parts"].items()} == {
        "bio": 16,
        "chem": 8,
        "cyber": 8,
    }
    again = command_line(*command, "--json")
    assert json.loads(again.out) == stored


def test_a_base_stands_beside_it(
    tiny_llama: Path, save_model: Callable[..., Path], tmp_path: Path, command_line: CommandLine
) -> None:
    other = save_model(tmp_path / "other", "llama", 1)
    command = ("wmdp", tiny_llama, "--source", WMDP_TABLES, "--part", "bio", "-q")
    done = command_line(*command, "--base", other, "--dtype", "float32")
    assert done.code == 0, done.err
    assert "known to the base, still known" in done.out
    record = score_wmdp(
        str(tiny_llama), str(WMDP_TABLES), ["bio"], base=str(tiny_llama), engine_options=FLOAT32
    )
    part = record.parts["bio"]
    assert part.base_scores == part.scores
    assert part.kept is not None
    assert part.kept.value == 1.0
    assert list(record.to_pandas().columns) == ["bio.low", "bio.high", "bio.base"]


def test_a_base_of_another_tokenizer_is_refused(
    tiny_llama: Path, save_model: Callable[..., Path], tmp_path: Path, command_line: CommandLine
) -> None:
    other = save_model(tmp_path / "other", "llama", 1)
    tokens = json.loads((other / "tokenizer.json").read_text("utf-8"))
    tokens["added_tokens"][-1]["content"] = "<renamed>"
    (other / "tokenizer.json").write_text(json.dumps(tokens), "utf-8")
    command = ("wmdp", tiny_llama, "--source", WMDP_TABLES, "--part", "bio", "--base", other)
    done = command_line(*command, "-q")
    assert (done.code, done.out) == (2, "")
    assert "its tokenizer is another one" in done.err


def test_a_question_that_fits_no_window_is_open(
    tiny_llama: Path, tmp_path: Path, command_line: CommandLine
) -> None:
    long = {**wmdp_rows("wmdp-chem")[0], "question": "Salt? " * 500 + "What is salt called?"}
    folder = changed_wmdp(tmp_path / "tables", "wmdp-chem", lambda rows: [long, *rows])
    done = command_line("wmdp", tiny_llama, "--source", folder, "--part", "chem", "-q")
    assert done.code == 1, done.err
    assert "open: chem: chemistry/1: 4 rotations and texts" in done.out


def _renamed(rows: list[Row]) -> list[Row]:
    return [{("options" if k == "choices" else k): v for k, v in row.items()} for row in rows]


def _with(**changed: object) -> Callable[[list[Row]], list[Row]]:
    return lambda rows: [rows[0], {**rows[1], **changed}, *rows[2:]]


FAULTS: dict[str, tuple[Callable[[list[Row]], list[Row]], str]] = {
    "a column is renamed": (_renamed, "no column 'choices'; there are: question, options, answer"),
    "three choices": (_with(choices=["a", "b", "c"], answer=0), "row 2: bad-choices: 3 choices"),
    "five choices": (_with(choices=list("abcde"), answer=0), "row 2: bad-choices: 5 choices"),
    "no list": (_with(choices="a or b"), "row 2: bad-choices: 'a or b' is no list"),
    "a list in a list": (_with(choices=[["a"], "b", "c", "d"], answer=0), "is a list or an object"),
    "an empty choice": (_with(choices=["a", " ", "c", "d"], answer=0), "one of its choices is"),
    "out of range": (_with(answer=4), "row 2: bad-answer: gold answer '4'"),
    "negative": (_with(answer=-1), "row 2: bad-answer: gold answer '-1'"),
    "true": (_with(answer=True), "row 2: bad-answer: gold answer 'True'"),
    "a letter among numbers": (_with(answer="B"), "row 2: bad-answer: gold answer 'B'"),
    "a fraction": (_with(answer=1.5), "row 2: bad-answer: gold answer '1.5'"),
    "none": (_with(answer=None), "row 2: bad-answer: gold answer 'None'"),
    "no stem": (_with(question="  "), "row 2: missing-text"),
    "a number for a stem": (_with(question=7), "row 2: missing-text"),
    "no rows": (lambda rows: [], "the table is empty"),
    "a row lacks a column": (
        lambda rows: [rows[0], {"question": "What?", "answer": 0}, *rows[2:]],
        "row 2: missing-column: no column 'choices'",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_of_tables_are_named(name: str, tmp_path: Path, command_line: CommandLine) -> None:
    change, words = FAULTS[name]
    folder = changed_wmdp(tmp_path / "tables", "wmdp-cyber", change)
    done = command_line("wmdp", "nowhere", "--source", folder, "-q")
    assert (done.code, done.out) == (2, "")
    assert "wmdp-cyber" in done.err
    assert words in done.err
    assert len(done.err.splitlines()) == 1


def test_letters_and_digits_as_text_are_gold_answers_too(tmp_path: Path) -> None:
    """If all rows say it so, as in a table that went through CSV."""
    whole = load_wmdp(str(WMDP_TABLES), ["chem"])[0].rows
    for n, way in enumerate((str, lambda gold: "ABCD"[gold])):
        folder = changed_wmdp(
            tmp_path / str(n),
            "wmdp-chem",
            lambda rows, way=way: [{**row, "answer": way(row["answer"])} for row in rows],
        )
        assert load_wmdp(str(folder), ["chem"])[0].rows == whole


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--source", WMDP_TABLES], "name the CHECKPOINT"),
        (["here", "--export", "there"], "--export takes neither CHECKPOINT nor --base"),
        (["here", "--part", "biology"], "did you mean 'bio'"),
        (["here", "--part", ""], "known: bio, chem, cyber"),
        (["here", "--source", WMDP_TABLES / "retain.jsonl"], "it is a file; give the folder"),
        (["here", "--source", "/nowhere"], "none of wmdp-bio.jsonl"),
        (["here", "--source", WMDP_TABLES, "--out", WMDP_TABLES], "--out"),
        (["/nowhere/at-all", "--source", WMDP_TABLES], "/nowhere/at-all"),
    ],
)
def test_mistakes_are_one_line(words: list[object], says: str, command_line: CommandLine) -> None:
    done = command_line("wmdp", *words, "-q")
    assert (done.code, done.out) == (2, "")
    assert says in done.err
    assert len(done.err.splitlines()) == 1


def test_a_folder_with_one_part_says_which(tmp_path: Path, command_line: CommandLine) -> None:
    text = (WMDP_TABLES / "wmdp-chem.jsonl").read_text("utf-8")
    (tmp_path / "wmdp-chem.jsonl").write_text(text, "utf-8")
    done = command_line("wmdp", "nowhere", "--source", tmp_path, "-q")
    assert done.code == 2
    assert "no wmdp-bio is there, only chem" in done.err
    with pytest.raises(BenchmarkError, match="no questions to keep; put choice questions there"):
        load_source("wmdp-chem", str(tmp_path))


@pytest.mark.parametrize("table", ["wmdp-bio", "retain"])
def test_no_stem_that_can_be_asked(table: str, tmp_path: Path) -> None:
    folder = changed_wmdp(tmp_path / "tables", "wmdp-chem", lambda rows: rows)
    row = {"question": "Which of these is it?", "choices": list("abcd"), "answer": 0}
    (folder / f"{table}.jsonl").write_text(json.dumps(row), "utf-8")
    with pytest.raises(BenchmarkError, match=rf"{table}: no-facts: none .* choices \(1\)$"):
        load_source("wmdp-bio", str(folder))


def test_what_is_forgotten_is_not_kept(tmp_path: Path) -> None:
    """A question of both would be drawn as an example and answer itself."""
    folder = changed_wmdp(tmp_path / "tables", "wmdp-chem", lambda rows: rows)
    both = json.dumps({**wmdp_rows("wmdp-bio")[0], "subject": "kitchen"})
    with (folder / "retain.jsonl").open("a") as file:
        file.write(both + "\n")
    benchmark = load_source("wmdp-bio", str(folder))
    question = wmdp_rows("wmdp-bio")[0]["question"]
    assert [f.split for f in benchmark.facts if f.question == question] == ["forget"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("wmdp-boi", "did you mean 'bio'"),
        ("wmdp-bio:geografy", "did you mean 'geography'"),
    ],
)
def test_names_of_parts_and_subjects(name: str, says: str) -> None:
    with pytest.raises(BenchmarkError, match=says):
        load_source(name, str(WMDP_TABLES))


def test_without_a_source_it_says_where_its_rows_are(command_line: CommandLine) -> None:
    done = command_line("score", "nowhere", "--benchmark", "wmdp-bio", "-q")
    assert done.code == 2
    assert "its rows do not ship; give --source hub" in done.err


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (DataSet({}, access="gated"), "accepts the terms at"),
        (DataSet({}, access="missing"), "no such data set, or a private one"),
        (DataSet({"wmdp-bio": {"test": wmdp_rows("wmdp-bio")}}), "BuilderConfig 'wmdp-chem'"),
        (
            DataSet({name: {"train": wmdp_rows(name)} for name in NAMES}),
            'Unknown split "test". Should be one of',
        ),
    ],
    ids=["gated", "missing", "config", "split"],
)
def test_what_the_hub_does_not_give_is_said_in_one_line(
    data: DataSet,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    command_line: CommandLine,
) -> None:
    with HubServer({WMDP: data}) as server:
        server.use(monkeypatch, tmp_path)
        done = command_line("wmdp", "nowhere", "--source", "hub", "-q")
    assert (done.code, done.out) == (2, "")
    # In a process that has imported them before, libraries draw their bars above it.
    last = done.err.splitlines()[-1]
    assert last.startswith("unlearnbench: ")
    assert says in last
