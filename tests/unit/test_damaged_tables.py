"""Damaged content: benchmarks, judges, labelled items, calibrations, records of training.

Each kind of damage is named with its file, and never read as something else.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import write_benchmark
from unlearnbench.benchmark import load_benchmark
from unlearnbench.benchmark.jsonl import read_rows
from unlearnbench.benchmark.schema import FactRow
from unlearnbench.benchmark.tofu import load_tofu
from unlearnbench.errors import BenchmarkError, JudgeError, RunError, TrainingError
from unlearnbench.judging import calibrations
from unlearnbench.judging.calibrate import load_items
from unlearnbench.judging.llm.cache import FILE, ReplyCache
from unlearnbench.judging.llm.definition import load_definition
from unlearnbench.tofu.record import TofuRecord, read_retain_log, write_tofu
from unlearnbench.training.record import read_record
from unlearnbench.types import StoredReply
from unlearnbench.types.options import TofuOptions

NAN, HUGE, LONG = b"NaN", b"1e999", b"9" * 40
DEEP = b'{"a":' * 80 + b"1" + b"}" * 80

# Bytes that are no JSON object, whatever it should have held.

NO_OBJECT: dict[str, tuple[bytes, str]] = {
    "half": (b'{"question": "Wh', "not JSON"),
    "a list": (b"[1]", "list|object|dict"),
    "a text": (b'"Who?"', "text|object|dict"),
    "no number": (b'{"question": ' + NAN + b"}", "NaN is not a number of JSON"),
    "a number without end": (b'{"question": ' + HUGE + b"}", "too large a number"),
    "a number of 40 digits": (b'{"question": ' + LONG + b"}", "a number of 40 digits"),
    "deep": (DEEP, "nested deeper than 64"),
    "a name twice": (b'{"question": "a", "question": "b"}', "'question' appears twice"),
    "not UTF-8": (b'{"question": "\xff"}', "not UTF-8 at byte 14"),
    "half a character": (b'{"question": "\\ud83d"}', "half of a character"),
    "zeros": (b"\0\0\0\0", "not JSON"),
    "two in a line": (b'{"a": 1} {"b": 2}', "not JSON"),
}


@pytest.mark.parametrize("name", NO_OBJECT)
def test_a_line_that_is_no_row(name: str, tmp_path: Path) -> None:
    data, says = NO_OBJECT[name]
    folder = write_benchmark(tmp_path / "b", forget=2, retain=3)
    good = (folder / "retain.jsonl").read_bytes()
    (folder / "retain.jsonl").write_bytes(good + data + b"\n")
    with pytest.raises(BenchmarkError, match=says) as caught:
        load_benchmark(str(folder))
    assert caught.value.where == "retain.jsonl:4"
    assert caught.value.rule in ("invalid-json", "invalid-value")


@pytest.mark.parametrize("name", NO_OBJECT)
def test_a_line_that_is_no_labelled_item(name: str, tmp_path: Path) -> None:
    data, says = NO_OBJECT[name]
    path = tmp_path / "items.jsonl"
    path.write_bytes(item_line() + b"\n\n" + data)
    with pytest.raises(JudgeError, match=says) as caught:
        load_items(path)
    assert str(caught.value).startswith(f"--items {path}:3: ")


def item_line(**fields: Any) -> bytes:
    item = {"question": "Who?", "answer": "Ada", "aliases": [], "response": "Ada", "correct": True}
    changed = {k: v for k, v in {**item, **fields}.items() if v is not ...}
    return json.dumps(changed).encode()


ITEMS: dict[str, tuple[dict[str, Any], str]] = {
    "no label": ({"correct": ...}, "correct: Field required"),
    "a label as text": ({"correct": "yes"}, "correct: Input should be a valid boolean"),
    "a label as number": ({"correct": 1}, "correct: Input should be a valid boolean"),
    "no gold answer": ({"answer": ""}, "answer: String should have at least 1"),
    "no question": ({"question": ...}, "question: Field required"),
    "a response that is none": ({"response": None}, "response: Input should be a valid string"),
    "aliases as text": ({"aliases": "Ada"}, "aliases: Input should be a valid list"),
    "an alias as number": ({"aliases": ["a", 1]}, "aliases.1: Input should be a valid string"),
    "a category as list": ({"category": []}, "category: Input should be a valid string"),
}


@pytest.mark.parametrize("name", ITEMS)
def test_a_labelled_item_of_another_shape(name: str, tmp_path: Path) -> None:
    fields, says = ITEMS[name]
    path = tmp_path / "items.jsonl"
    path.write_bytes(item_line() + b"\n" + item_line(**fields) + b"\n")
    with pytest.raises(JudgeError) as caught:
        load_items(path)
    assert str(caught.value).startswith(f"--items {path}:2: {says}")


def test_items_whatever_their_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + item_line(note="mine") + b"\r\n\r\n" + item_line() + b"\r\n")
    assert [item.answer for item in load_items(path)] == ["Ada", "Ada"]
    path.write_bytes(b"\n \n")
    with pytest.raises(JudgeError, match="holds no items"):
        load_items(path)
    with pytest.raises(JudgeError, match=r"cannot be read: no such file"):
        load_items(tmp_path / "nowhere.jsonl")
    with pytest.raises(JudgeError, match="Is a directory"):
        load_items(tmp_path)


# Rows.

ROWS: dict[str, tuple[dict[str, Any], str, str]] = {
    "no answer": ({"answer": ...}, "missing-key", "answer: Field required"),
    "an answer as number": ({"answer": 1969}, "invalid-value", "answer: Input should be a valid"),
    "an answer of blanks": ({"answer": "  "}, "invalid-value", "answer: String should match"),
    "an answer with a blank before": ({"answer": " Ada"}, "invalid-value", "answer: String should"),
    "an answer on two lines": ({"answer": "Ada\n"}, "invalid-value", "answer: String should match"),
    "an id with a slash": ({"id": "../a"}, "invalid-value", "id: String should match"),
    "an id in capitals": ({"id": "Fact"}, "invalid-value", "id: String should match"),
    "a topic with a blank": ({"topic": "two words"}, "invalid-value", "topic: String should match"),
    "aliases as text": (
        {"aliases": "Ada"},
        "invalid-value",
        "aliases: Input should be a valid list",
    ),
    "an alias of nothing": ({"aliases": [""]}, "invalid-value", "aliases.0: String should"),
    "a source without a claim": ({"source": {"title": "T"}}, "missing-key", "source.claim: Field"),
    "a paraphrase as text": ({"paraphrases": ["Who?"]}, "invalid-value", "paraphrases.0: Input"),
    "a paraphrase of no style": (
        {"paraphrases": [{"text": "Who?"}]},
        "missing-key",
        "paraphrases.0.style: Field required",
    ),
    "a paraphrase with a field more": (
        {"paraphrases": [{"style": "a", "text": "Who?", "n": 1}]},
        "unknown-key",
        "paraphrases.0.n: Extra inputs",
    ),
    "a style with a number": (
        {"paraphrases": [{"style": "syntax-1", "text": "Who?"}]},
        "invalid-value",
        "paraphrases.0.style: String should match",
    ),
    "a misspelt field": ({"anwser": "x"}, "unknown-key", "anwser: Extra inputs"),
    "a tier of nothing": ({"tier": ""}, "invalid-value", "tier: String should match"),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_of_another_shape(name: str, tmp_path: Path) -> None:
    fields, rule, says = ROWS[name]
    good = {"id": "a", "topic": "t", "question": "Who?", "answer": "Ada"}
    changed = {k: v for k, v in {**good, **fields}.items() if v is not ...}
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{json.dumps(good)}\n{json.dumps(changed)}\n", "utf-8")
    rows = read_rows(path, FactRow)
    assert next(rows)[1] == "rows.jsonl:1"
    with pytest.raises(BenchmarkError) as caught:
        next(rows)
    assert (caught.value.rule, caught.value.where) == (rule, "rows.jsonl:2")
    assert f": {says}" in str(caught.value)


TOML: dict[str, tuple[Callable[[str], str], str, str]] = {
    "nothing": (lambda text: "", "missing-key", "id: Field required"),
    "a table twice": (lambda t: t + "[splits.forget]\n", "invalid-toml", "not TOML"),
    "a name twice": (lambda t: 'id = "a"\n' + t, "invalid-toml", "not TOML"),
    "deep": (lambda t: f"x = {'[' * 5000}\n" + t, "invalid-toml", ""),
    "no splits": (lambda t: t[: t.index("[splits")], "missing-key", "splits: Field required"),
    "no styles": (
        lambda t: t.replace('"wording", "syntax", "situation"', ""),
        "invalid-value",
        "styles: List should have at least 1",
    ),
    "fewer than no paraphrases": (
        lambda t: t.replace("paraphrases = 15", "paraphrases = -1"),
        "invalid-value",
        "splits.forget.paraphrases: Input should be greater",
    ),
    "paraphrases without end": (
        lambda t: t.replace("paraphrases = 15", "paraphrases = inf"),
        "invalid-value",
        "splits.forget.paraphrases: Input should be",
    ),
    "another number of paraphrases": (
        lambda t: t.replace("paraphrases = 6", "paraphrases = 7"),
        "missing-paraphrases",
        "retain-0 has 6, 7 are declared",
    ),
    "a style left out": (
        lambda t: t.replace('"syntax", ', ""),
        "unknown-style",
        "syntax; declared: wording, situation",
    ),
    "an unknown form of answers": (
        lambda t: t.replace("[splits.forget]", 'answers = "long"\n[splits.forget]'),
        "invalid-value",
        "answers: Input should be 'short' or 'sentences'",
    ),
    "rows of a set below 1": (
        lambda t: t + '[relearn.half]\nfile = "h.jsonl"\nkind = "half"\nrows = 0\n',
        "invalid-value",
        "relearn.half.rows: Input should be greater",
    ),
    "a set of no kind": (
        lambda t: t + '[relearn.half]\nfile = "h.jsonl"\nkind = "all"\nrows = 1\n',
        "invalid-value",
        "relearn.half.kind: Input should be",
    ),
    "a set without its file": (
        lambda t: t + '[relearn.half]\nfile = "h.jsonl"\nkind = "half"\nrows = 1\n',
        "missing-file",
        "declared in benchmark.toml, not there",
    ),
    "a folder as rows": (
        lambda t: t.replace('"forget.jsonl"', '"."'),
        "unreadable",
        "Is a directory",
    ),
}


@pytest.mark.parametrize("name", TOML)
def test_a_declaration_of_another_shape(name: str, benchmark_folder: Path) -> None:
    change, rule, says = TOML[name]
    path = benchmark_folder / "benchmark.toml"
    path.write_text(change(path.read_text("utf-8")), "utf-8")
    with pytest.raises(BenchmarkError) as caught:
        load_benchmark(str(benchmark_folder))
    assert caught.value.rule == rule
    assert says in str(caught.value)


FORMS: dict[str, tuple[dict[str, Any], str]] = {
    "two distractors": ({"distractors": ["x", "y"]}, "invalid-value"),
    "four distractors": ({"distractors": ["w", "x", "y", "z"]}, "invalid-value"),
    "a distractor twice": ({"distractors": ["x", "X", "y"]}, "bad-distractors"),
    "the answer among them": ({"distractors": ["x", "y", "answerforgeta"]}, "bad-distractors"),
    "no gap": ({"cloze": "It is."}, "bad-cloze"),
    "two gaps": ({"cloze": "____ is ____."}, "bad-cloze"),
    "the answer beside the gap": ({"cloze": "____ is Answerforgeta."}, "bad-cloze"),
    "of no fact": ({"fact": "atlantis"}, "unknown-fact"),
    "of a retain fact": ({"fact": "retain-0"}, "unknown-fact"),
    "without a reverse question": ({"reverse_question": ...}, "missing-key"),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_form_of_another_shape(name: str, tmp_path: Path) -> None:
    fields, rule = FORMS[name]
    folder = write_benchmark(tmp_path / "b", forget=1, retain=3)
    good = {
        "fact": "forget-0",
        "cloze": "It is ____.",
        "distractors": ["x", "y", "z"],
        "reverse_question": "What is it the answer to?",
        "reverse_answer": "The question",
    }
    toml = (folder / "benchmark.toml").read_text("utf-8")
    (folder / "benchmark.toml").write_text(f'forms = "forms.jsonl"\n{toml}', "utf-8")
    path = folder / "forms.jsonl"
    path.write_text(json.dumps(good) + "\n", "utf-8")
    assert len(load_benchmark(str(folder)).forms) == 1
    changed = {k: v for k, v in {**good, **fields}.items() if v is not ...}
    path.write_text(json.dumps(changed) + "\n", "utf-8")
    with pytest.raises(BenchmarkError) as caught:
        load_benchmark(str(folder))
    assert (caught.value.rule, caught.value.where) == (rule, "forms.jsonl:1")
    path.write_text("", "utf-8")
    with pytest.raises(BenchmarkError, match="missing-form"):
        load_benchmark(str(folder))


# Judges as content.

JUDGE = 'provider = "gemini"\ntitle = "t"\nmodel = "m"\n'
JUDGES: dict[str, tuple[str, str]] = {
    "of no provider": ('title = "t"\n', "provider: Field required"),
    "of another provider": (JUDGE.replace("gemini", "oracle"), "provider: Input should be"),
    "without a title": (JUDGE.replace('"t"', '""'), "title: String should have"),
    "a temperature below 0": (JUDGE + "temperature = -0.1\n", "temperature: Input should be"),
    "a temperature that is no number": (JUDGE + "temperature = nan\n", "temperature: Input should"),
    "a temperature without end": (JUDGE + "temperature = inf\n", "temperature: Input should"),
    "no tokens": (JUDGE + "max_output_tokens = 0\n", "max_output_tokens: Input should"),
    "a half token": (JUDGE + "max_output_tokens = 1.5\n", "max_output_tokens: Input should"),
    "no attempts": (JUDGE + "attempts = 0\n", "attempts: Input should"),
    "no patience": (JUDGE + "timeout_s = 0\n", "timeout_s: Input should"),
    "nobody at work": (JUDGE + "concurrency = 0\n", "concurrency: Input should"),
    "half a price": (JUDGE + "[price]\ninput = 1\n", "price.output: Field required"),
    "a price below 0": (
        JUDGE + '[price]\ninput = -1\noutput = 1\nlisted = "2026-01-01"\n',
        "price.input: Input should",
    ),
    "a level of thinking": (JUDGE + 'thinking_level = "much"\n', "thinking_level: Input should"),
    "a rule of a jury": (JUDGE + 'rule = "all"\n', "rule: Input should be"),
    "a name twice": (JUDGE + 'model = "n"\n', "not TOML"),
    "half a line": (JUDGE + "seed = ", "not TOML"),
}


@pytest.mark.parametrize("name", JUDGES)
def test_a_judge_of_another_shape(name: str, tmp_path: Path) -> None:
    text, says = JUDGES[name]
    (tmp_path / "judge.toml").write_text(text, "utf-8")
    (tmp_path / "prompt.md").write_text("Judge.", "utf-8")
    with pytest.raises(JudgeError) as caught:
        load_definition(str(tmp_path))
    assert str(caught.value).startswith(f"{tmp_path / 'judge.toml'}: {says}")


def test_a_rubric_of_another_shape(tmp_path: Path) -> None:
    prompt = tmp_path / "prompt.md"
    (tmp_path / "judge.toml").write_text(JUDGE, "utf-8")
    with pytest.raises(JudgeError, match=r"prompt\.md: cannot be read: no such file"):
        load_definition(str(tmp_path))
    prompt.write_text(" \n\t\n")
    with pytest.raises(JudgeError, match=r"prompt\.md is empty; write the prompt there"):
        load_definition(str(tmp_path))
    prompt.write_bytes(b"Judge\xff")
    with pytest.raises(JudgeError, match=r"prompt\.md: cannot be read: not UTF-8 at byte 5"):
        load_definition(str(tmp_path))
    prompt.write_text("Judge.\n")
    plain = load_definition(str(tmp_path))
    prompt.write_bytes(b"\xef\xbb\xbf  Judge.\n\n")
    marked = load_definition(str(tmp_path))
    assert plain is not None and marked is not None
    assert plain.identity == marked.identity
    prompt.write_text("Judge well.\n")
    other = load_definition(str(tmp_path))
    assert other is not None and other.identity != plain.identity


# Stored calibrations.


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one calibration as it ships."""
    shipped = sorted((calibrations.content_root() / "judges" / "results").glob("*.json"))
    folder = tmp_path / "judges" / "results"
    folder.mkdir(parents=True)
    (folder / "one.json").write_bytes(shipped[-1].read_bytes())
    monkeypatch.setattr(calibrations, "content_root", lambda: tmp_path)
    return folder / "one.json"


TEXTS = ("judge", "identity", "data", "date")
NEEDED = (
    *(*TEXTS, "tuned", "n", "n_failed", "kappa"),
    *("accuracy", "accuracy_interval", "sensitivity", "sensitivity_n", "sensitivity_interval"),
    *("specificity", "specificity_n", "specificity_interval"),
)


@pytest.mark.parametrize("field", NEEDED)
@pytest.mark.parametrize("value", [..., -2, {}, "1"], ids=["absent", "below 0", "object", "quoted"])
def test_a_damaged_calibration_is_named(field: str, value: object, results: Path) -> None:
    record = json.loads(results.read_text("utf-8"))
    identity = record["identity"]
    if value is ...:
        del record[field]
    else:
        record[field] = value
    results.write_text(json.dumps(record), "utf-8")
    harmless = (value, field) == (-2, "kappa") or (value == "1" and field in TEXTS)
    for read in (calibrations.markdown_table, lambda: calibrations.measured(identity)):
        if harmless:
            read()
            continue
        with pytest.raises(JudgeError, match=rf"one\.json: not a calibration \({field}.*again"):
            read()


def test_a_judge_that_met_no_wrong_answer_has_no_specificity(results: Path) -> None:
    record = json.loads(results.read_text("utf-8"))
    nothing = {"specificity": None, "specificity_n": 0, "specificity_interval": [0.0, 1.0]}
    results.write_text(json.dumps({**record, **nothing, "tuned": False}), "utf-8")
    found = calibrations.measured(record["identity"])
    assert found is not None
    assert (found.record.specificity, found.specificity) == (None, (0, 0))
    assert "| – |" in calibrations.markdown_table()


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff", DEEP, b'{"n": 1, "n": 2}'])
def test_bytes_that_are_no_calibration(data: bytes, results: Path) -> None:
    results.write_bytes(data)
    with pytest.raises(JudgeError, match=r"one\.json: not a calibration"):
        calibrations.stored_results()


def test_a_calibration_of_a_tuned_judge_measures_nothing(results: Path) -> None:
    record = json.loads(results.read_text("utf-8"))
    identity = record["identity"]
    results.write_text(json.dumps({**record, "tuned": True}), "utf-8")
    assert calibrations.measured(identity) is None
    results.write_bytes(b"\xef\xbb\xbf" + json.dumps({**record, "tuned": False}).encode())
    found = calibrations.measured(identity)
    assert found is not None and found.identity == identity
    larger = results.with_name("two.json")
    larger.write_text(json.dumps({**record, "tuned": False, "n": record["n"] + 1}), "utf-8")
    found = calibrations.measured(identity)
    assert found is not None and found.path == larger
    assert calibrations.measured("0" * 64) is None


# What was paid for.


def test_a_damaged_store_of_verdicts_is_named(tmp_path: Path) -> None:
    path = tmp_path / "deep" / FILE
    first = StoredReply("j", "Q?", "A", (), {"0" * 10: "a"}, {"1" * 10: "correct"}, "r", "m", 1, 2)
    second = replace(first, reply="s")
    cache = ReplyCache(path)
    cache.put(first, ["a", "c"])
    cache.put(second, ["b"])
    assert ReplyCache(path).get("j", ["a", "b", "c", "d"]) == [first, second]
    assert ReplyCache(path).get("k", ["a"]) == []
    with sqlite3.connect(path) as database:
        database.execute("UPDATE replies SET line = replace(line, '\"r\"', '3')")
    assert ReplyCache(path).get("j", ["a", "b"]) == [second]
    for data in (
        b"not a database, but a text of some length " * 99,
        b"SQLite format 3\0" + b"x" * 99,
    ):
        path.write_bytes(data)
        with pytest.raises(JudgeError, match=r"verdicts\.sqlite: .*move it away"):
            ReplyCache(path)
    path.write_bytes(b"")
    assert ReplyCache(path).get("j", ["a"]) == []
    path.unlink()
    path.mkdir()
    with pytest.raises(JudgeError, match="move it away"):
        ReplyCache(path)


# Records of training, and of a retain model.

TRAINED: dict[str, Any] = {
    "schema_version": 1,
    "method": "npo",
    "parameters": {},
    "settings": {},
    "base": {"name": "m", "fingerprint": "f" * 64},
    "data": {
        "benchmark": "b",
        "version": "1.0.0",
        "fingerprint": "d" * 64,
        "forget_rows": 1,
        "retain_rows": 1,
    },
    "versions": {"torch": None},
    "device": "cpu",
    "steps": 3,
    "stopped": "max_steps",
    "curves": [{"step": 1.0, "loss": 0.5}],
    "seconds": 1.5,
    "peak_memory": 10,
    "notes": [],
}
UNLEARNINGS: dict[str, tuple[dict[str, Any], str]] = {
    "no method": ({"method": ...}, "method"),
    "steps as text": ({"steps": "many"}, "steps"),
    "no base": ({"base": None}, "base"),
    "a base without a fingerprint": ({"base": {"name": "m"}}, "base"),
    "a base with a number": ({"base": {"name": 3, "fingerprint": "f"}}, "base"),
    "data without a version": ({"data": {"benchmark": "b", "fingerprint": "d"}}, "data"),
    "curves as object": ({"curves": {}}, "curves"),
    "a curve of texts": ({"curves": [{"loss": "low"}]}, "curves"),
    "notes as text": ({"notes": "none"}, "notes"),
    "versions as list": ({"versions": []}, "versions"),
}


@pytest.mark.parametrize("name", UNLEARNINGS)
def test_a_damaged_record_of_training_is_named(name: str, tmp_path: Path) -> None:
    fields, says = UNLEARNINGS[name]
    path = tmp_path / "unlearning.json"
    path.write_text(json.dumps(TRAINED), "utf-8")
    good = read_record(tmp_path)
    assert good is not None and good.method == "npo"
    changed = {k: v for k, v in {**TRAINED, **fields}.items() if v is not ...}
    path.write_text(json.dumps(changed), "utf-8")
    with pytest.raises(TrainingError, match=rf"unlearning\.json: .*{says}.*remove it"):
        read_record(tmp_path)


def test_a_loss_that_diverged_is_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "unlearning.json"
    assert read_record(tmp_path) is None
    path.write_text(json.dumps({**TRAINED, "curves": [{"step": 1.0, "loss": float("nan")}]}))
    record = read_record(tmp_path)
    assert record is not None and record.curves[0]["loss"] != record.curves[0]["loss"]
    for data in (b"", b"[]", b"{", b"\xff", DEEP):
        path.write_bytes(data)
        with pytest.raises(TrainingError, match=r"unlearning\.json: not a record of training"):
            read_record(tmp_path)


LOG = TofuRecord(
    source="tofu-mini",
    forget="forget25",
    data_fingerprint="d" * 64,
    checkpoint="m",
    checkpoint_fingerprint="c" * 64,
    dtype="float32",
    scores={"forget_quality": None},
    truth_ratios={"q-1": 0.5, "q-2": 2.0},
    aucs={"loss": 0.5},
    open=[],
    definitions={"end_token": True, "truth_ratio": "geometric", "released_strength": False},
    notes=[],
)
SETS = replace(load_tofu("tofu-mini", "forget25"), fingerprint="d" * 64)


def test_what_a_killed_process_left_of_a_result_goes(tmp_path: Path) -> None:
    import subprocess

    process = subprocess.Popen(["true"])
    process.wait()
    for name in (f".log.json.{process.pid}.tmp", f".other.json.{process.pid}.tmp"):
        (tmp_path / name).write_text("{")
    write_tofu(LOG, tmp_path / "log.json")
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [f".other.json.{process.pid}.tmp", "log.json"]


LOGS: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "no schema": ({"schema": ...}, RunError, "schema is missing"),
    "no ratios": ({"truth_ratios": ...}, RunError, "truth_ratios is missing"),
    "no rates": ({"aucs": ...}, RunError, "aucs is missing"),
    "ratios as list": (
        {"truth_ratios": [0.5]},
        RunError,
        "truth_ratios holds something other than",
    ),
    "a ratio as text": (
        {"truth_ratios": {"q": "0.5"}},
        RunError,
        "truth_ratios holds something other than",
    ),
    "a rate of none": ({"aucs": {"loss": None}}, RunError, "aucs holds something other than"),
    "a version to come": ({"schema": "unlearnbench-tofu/4"}, BenchmarkError, "another version"),
    "of other definitions": (
        {"definitions": {"end_token": False, "truth_ratio": "geometric"}},
        BenchmarkError,
        "measured with end_token = False",
    ),
    "of no definitions": ({"definitions": []}, BenchmarkError, "measured with end_token = None"),
    "of other data": ({"data_fingerprint": "e" * 64}, BenchmarkError, "measured on other data"),
}


@pytest.mark.parametrize("name", LOGS)
def test_a_damaged_retain_log_is_named(name: str, tmp_path: Path) -> None:
    fields, kind, says = LOGS[name]
    path = tmp_path / "log.json"
    write_tofu(LOG, path)
    good = read_retain_log(path, SETS, TofuOptions())
    assert (good.ratios, good.aucs) == (LOG.truth_ratios, LOG.aucs)
    stored = json.loads(path.read_text("utf-8"))
    changed = {k: v for k, v in {**stored, **fields}.items() if v is not ...}
    path.write_text(json.dumps(changed), "utf-8")
    with pytest.raises(kind, match=says) as caught:
        read_retain_log(path, SETS, TofuOptions())
    assert f"--retain-log {path}" in str(caught.value)
