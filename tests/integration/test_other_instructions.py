"""Instructions of others: AlpacaEval's from a hub on loopback, or from a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import CommandLine
from tests.hub_server import DataSet, HubServer
from tests.judges_server import judges_server
from tests.preferences_server import PreferencesHandler, Preferring
from unlearnbench.benchmark.instruction_sets import load_instructions
from unlearnbench.errors import BenchmarkError
from unlearnbench.runs.utility import read_utility

ROWS = [
    {"instruction": f"Say {word}.", "output": word, "generator": "x", "dataset": "y"}
    for word in ("one", "two", "three")
]
REPOSITORY = "tatsu-lab/alpaca_eval"
SCRIPT = {"alpaca_eval.py": b"raise SystemExit('a loading script was run')"}


def alpaca(rows: object) -> DataSet:
    """As the real one: plain files beside a loading script."""
    return DataSet(
        {}, readme=False, files={"alpaca_eval.json": json.dumps(rows).encode(), **SCRIPT}
    )


@pytest.fixture
def behaviour(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Preferring]:
    monkeypatch.setenv("UNLEARNBENCH_CACHE", str(tmp_path / "cache"))
    how = Preferring()
    with judges_server(how, PreferencesHandler) as address:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{address}/v1")
        yield how


def test_alpaca_eval_is_answered_compared_and_judged_again_without_the_hub(
    behaviour: Preferring,
    tiny_llama: Path,
    tmp_path: Path,
    command_line: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = str(tmp_path / "utility.json")
    model = str(tiny_llama)
    with HubServer({REPOSITORY: alpaca(ROWS)}) as hub, monkeypatch.context() as at_the_hub:
        hub.use(at_the_hub, tmp_path / "hub")
        call = ("utility", model, "--base", model, "--limit", "2", "--utility", "alpaca-eval")
        done = command_line(*call, "--dtype", "float32", "--out", out)
        assert done.code == 0, done.err
        dry = command_line(*call, "--utility-judge", "openai:any", "--dry-run", "--json")
        assert json.loads(dry.out)["calls"] == 2 * (2 + 2)
    record = read_utility(Path(out))
    table = record.model.instructions["alpaca-eval"]
    assert dict(table.instructions) == {"1": "Say one.", "2": "Say two."}
    assert table.source.startswith(f"{REPOSITORY}@89abcdef")
    assert record.metrics["alpaca-eval.ngram_entropy"].n == 2
    judged = command_line("utility", out, "--utility-judge", "openai:any", "--out", out)
    assert judged.code == 0, judged.err
    metrics = read_utility(Path(out)).metrics
    assert metrics["win_rate"].n == 2
    assert metrics["alpaca-eval.win_rate"].value == 0.5
    assert metrics["alpaca-eval.win_rate.length_controlled"].value == 0.5
    assert judged.out.count("(uncalibrated)") == 6
    assert command_line("utility", out).out == judged.out
    record = json.loads(Path(out).read_text("utf-8"))
    record["base"]["instructions"]["alpaca-eval"]["instructions"]["1"] = "Say four."
    Path(out).write_text(json.dumps(record))
    changed = command_line("utility", out, "--utility-judge", "openai:any")
    assert (changed.code, "measure it again" in changed.err) == (2, True)
    del record["base"]["instructions"]["alpaca-eval"]
    Path(out).write_text(json.dumps(record))
    other = command_line("utility", out, "--utility-judge", "openai:any")
    assert (other.code, "not asked the instructions of alpaca-eval" in other.err) == (2, True)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (
            alpaca([{"prompt": "a", "output": "b"}]),
            "column 'instruction'; there are: output, prompt",
        ),
        (alpaca([{**ROWS[0], "instruction": None}]), "column 'instruction'"),
        (alpaca([*ROWS, {**ROWS[0], "instruction": " "}]), "row 4"),
        (alpaca([]), "holds no row"),
        (alpaca([["a"]]), "not an object"),
        (alpaca({"instruction": "a"}), None),
        (DataSet({}, readme=False, files=SCRIPT), "no such file"),
        (DataSet({}, readme=False, files={"alpaca_eval.json": b"[{"}), "alpaca_eval.json"),
        (DataSet({}, access="gated"), "accepts the terms"),
        (DataSet({}, access="missing"), "no such data set"),
    ],
)
def test_a_hub_that_gives_something_else_is_one_line(
    tmp_path: Path,
    command_line: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    data: DataSet,
    why: str | None,
) -> None:
    with HubServer({REPOSITORY: data}) as hub:
        hub.use(monkeypatch, tmp_path)
        if why is None:
            assert load_instructions("alpaca-eval", "hub").rows == {"1": "a"}
            return
        done = command_line("utility", "nowhere", "--utility", "alpaca-eval")
    assert done.code == 2
    assert why in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_instructions_of_ones_own_and_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text('instruction,note\n"Say ""a"".",x\nSay b.,y\n')
    mine = load_instructions(f"instructions:{file}", "hub")
    assert dict(mine.rows) == {"1": 'Say "a".', "2": "Say b."}
    assert mine.first(1).digest != mine.digest
    (tmp_path / "alpaca_eval.json").write_text(json.dumps(ROWS))
    assert len(load_instructions("alpaca-eval", str(tmp_path)).rows) == 3


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("mine.jsonl", '{"text": "a"}', "column 'instruction'; there are: text"),
        ("mine.jsonl", '{"instruction": 3}', "column 'instruction'"),
        ("mine.jsonl", "", "holds no row"),
        ("mine.jsonl", "{", "mine.jsonl"),
        ("mine.txt", "Say a.", "its name ends in none of"),
        ("mine.csv", "\x00\x00", "mine.csv"),
        ("mine.parquet", "PAR1", "mine.parquet"),
        ("mine.jsonl", None, "no such file"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, name: str, content: str | None, why: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(BenchmarkError, match=r".") as caught:
        load_instructions(f"instructions:{path}", "hub")
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["alpaca", "alpaca-eval:x", "instructions", "instructions:"])
def test_a_name_that_is_none_is_refused(command_line: CommandLine, name: str) -> None:
    done = command_line("utility", "nowhere", "--utility", name)
    assert (done.code, f"--utility {name}" in done.err) == (2, True)
