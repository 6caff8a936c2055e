"""The command line with bad and good input: one line, the right exit code, valid JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import CommandLine


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["score", "smollm2-135"], "did you mean 'smollm2-135m'"),
        (["score", "x", "--benchmark", "wfk"], "did you mean 'wkf'"),
        (["score", "x", "--profile", "standrad"], "did you mean 'standard'"),
        (["score", "x", "--judge", "rulez"], "did you mean 'rules'"),
        (["score", "x", "--engine", "transformer"], "did you mean 'transformers'"),
        (["score", "x", "--batch-size", "many"], "--batch-size many"),
        (["score", "x", "--limit", "0"], "--limit"),
        (["score", "x", "--no-such-flag"], "--no-such-flag"),
        (["score", "nobody/nothing"], "nobody/nothing"),
        (["judge", "nowhere", "--judge", "rules"], "not a run folder"),
        (["show", "run", "nowhere"], "not a run folder"),
        (["calibrate", "rules", "--items", "nowhere.jsonl"], "--items nowhere.jsonl"),
        (["train", "--base", "x", "--method", "jensum"], "did you mean 'jensun'"),
        (["train", "--base", "smollm2-135"], "did you mean 'smollm2-135m'"),
        (["train", "--base", "x", "--preset", "smollm"], "did you mean 'smollm2-135m'"),
        (["train", "--base", "x", "--set", "lr"], "give NAME=VALUE"),
        (["train", "--base", "x", "--set", "lambda=1"], "did you mean 'lambda_"),
        (["train", "--base", "x", "--sweep", "lambda_r"], "give NAME=VALUE,VALUE"),
        (["train"], "--base"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments: list[str],
    told: str,
    tmp_path: Path,
    command_line: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = command_line(*arguments)
    assert done.code == 2, done.err
    assert told in done.err
    assert "Traceback" not in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert done.out == ""


@pytest.mark.parametrize(
    "command", ["score", "judge", "calibrate", "train", "demo", "show run", "show benchmark"]
)
def test_help_shows_an_example(command: str, command_line: CommandLine) -> None:
    done = command_line(*command.split(), "--help")
    assert done.code == 0
    assert "Example: unlearnbench" in done.out


def test_show_benchmark_counts(command_line: CommandLine) -> None:
    record = json.loads(command_line("show", "benchmark", "wkf", "--json").out)
    assert record["splits"]["forget"]["paraphrases"] == 15 * record["splits"]["forget"]["facts"]
    assert sum(record["splits"]["retain"]["tiers"].values()) == record["splits"]["retain"]["facts"]


def test_calibrate_prints_rates_and_misses(tmp_path: Path, command_line: CommandLine) -> None:
    item = {"question": "Who?", "answer": "Ada", "aliases": [], "response": "Ada", "category": "c"}
    items = tmp_path / "items.jsonl"
    rows = [{**item, "correct": True}, {**item, "correct": False}]
    items.write_text("\n".join(map(json.dumps, rows)))
    record = json.loads(command_line("calibrate", "rules", "--items", items, "--json").out)
    assert (record["n"], record["accuracy"], record["sensitivity"]) == (2, 0.5, 1.0)
    assert record["specificity"] == 0.0
    assert len(record["misses"]) == 1
    items.write_text('{"question": 1}\n')
    assert ":1:" in command_line("calibrate", "rules", "--items", items).err


def test_score_show_judge_and_replay(
    tiny_llama: Path,
    benchmark_folder: Path,
    tmp_path: Path,
    command_line: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ["--benchmark", str(benchmark_folder), "--profile", "quick", "--limit", "2"]
    first = command_line("score", str(tiny_llama), *asked, "--json", "-q")
    assert first.code == 0, first.err
    record = json.loads(first.out)
    assert record["status"] == "complete"
    shown = command_line("show", "run", record["run"], "--leaks", "--fact", "forget-0")
    assert shown.code == 0, shown.err
    assert "forget.worst_case" in shown.out
    assert "profile quick asks some of the paraphrases" in shown.out
    judged = command_line("judge", record["run"], "--judge", "rules", "--json", "-q")
    assert json.loads(judged.out)["scores"] == record["scores"]
    replayed = command_line("score", record["run"], "--engine", "replay", *asked, "--json", "-q")
    assert json.loads(replayed.out)["scores"] == record["scores"]
    missing = command_line("show", "run", record["run"], "--fact", "forget-9")
    assert missing.code == 2
