"""The command line with bad and good input: one line, the right exit code, valid JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "unlearnbench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


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
    arguments: list[str], told: str, tmp_path: Path
) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


@pytest.mark.parametrize(
    "command", ["score", "judge", "calibrate", "train", "demo", "show run", "show benchmark"]
)
def test_help_shows_an_example(command: str) -> None:
    done = run(*command.split(), "--help")
    assert done.returncode == 0
    assert "Example: unlearnbench" in done.stdout


def test_show_benchmark_counts() -> None:
    record = json.loads(run("show", "benchmark", "wkf", "--json").stdout)
    assert record["splits"]["forget"]["paraphrases"] == 15 * record["splits"]["forget"]["facts"]
    assert sum(record["splits"]["retain"]["tiers"].values()) == record["splits"]["retain"]["facts"]


def test_calibrate_prints_rates_and_misses(tmp_path: Path) -> None:
    item = {"question": "Who?", "answer": "Ada", "aliases": [], "response": "Ada", "category": "c"}
    items = tmp_path / "items.jsonl"
    rows = [{**item, "correct": True}, {**item, "correct": False}]
    items.write_text("\n".join(map(json.dumps, rows)))
    record = json.loads(run("calibrate", "rules", "--items", str(items), "--json").stdout)
    assert (record["n"], record["accuracy"], record["sensitivity"]) == (2, 0.5, 1.0)
    assert record["specificity"] == 0.0
    assert len(record["misses"]) == 1
    items.write_text('{"question": 1}\n')
    assert ":1:" in run("calibrate", "rules", "--items", str(items)).stderr


def test_score_show_judge_and_replay(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path
) -> None:
    asked = ["--benchmark", str(benchmark_folder), "--profile", "quick", "--limit", "2"]
    first = run("score", str(tiny_llama), *asked, "--json", "-q", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert first.stderr == ""
    record = json.loads(first.stdout)
    assert record["status"] == "complete"
    shown = run("show", "run", record["run"], "--leaks", "--fact", "forget-0", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "forget.worst_case" in shown.stdout
    assert "profile quick asks some of the paraphrases" in shown.stdout
    judged = run("judge", record["run"], "--judge", "rules", "--json", "-q", cwd=tmp_path)
    assert json.loads(judged.stdout)["scores"] == record["scores"]
    replayed = run(
        "score", record["run"], "--engine", "replay", *asked, "--json", "-q", cwd=tmp_path
    )
    assert json.loads(replayed.stdout)["scores"] == record["scores"]
    missing = run("show", "run", record["run"], "--fact", "forget-9", cwd=tmp_path)
    assert missing.returncode == 2
