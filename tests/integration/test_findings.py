"""Findings on every surface that shows a headline: score, show, judge, compare, demo, report."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CommandLine, Printed
from tests.models import save
from tests.report_samples import facts, many, score_manifest, write_run
from unlearnbench import load_run
from unlearnbench.cli import demo as demo_command
from unlearnbench.reporting import page

Run = Callable[..., Printed]


@pytest.fixture
def run(command_line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command, given in the test's own folder."""
    monkeypatch.chdir(tmp_path)
    return command_line


def stored(folder: Path, forget: Mapping[str, str], retain: str, **about: Any) -> Path:
    """A run folder of ten retain facts, each answered by these signs."""
    rows = [*facts(forget), *facts(many("k", (10, retain)), "retain")]
    manifest = score_manifest(profile_fingerprint="p" * 64, **about)
    return write_run(folder, rows, {**manifest, "status": "complete"})


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A run that refuses everything, and one of its base, which knew 2 of 40."""
    run = stored(tmp_path / "run", many("f", (40, "rr")), "rrr")
    return run, stored(tmp_path / "base", many("f", (2, "xo"), (38, "xx")), "ooo", name="base")


SCORED = ("--profile", "quick", "--limit", "2", "-q")


def test_score_compares_with_a_base(
    tiny_llama: Path, benchmark_folder: Path, tmp_path: Path, run: Run
) -> None:
    asked = ["--benchmark", str(benchmark_folder), *SCORED]
    first = run("score", str(tiny_llama), *asked, "--out", "base", "--json")
    alone = json.loads(first.out)
    assert alone["base"] is None
    codes = [finding["code"] for finding in alone["findings"]]
    assert {"retain-low", "base-unknown", "facts-left-out", "wordings-left-out"} <= set(codes)
    other = save(tmp_path / "other", "llama", seed=3)
    words = ["score", str(other), *asked, "--base", "base", "--out", "run"]
    done = run(*words)
    assert done.code == 0, done.err
    nothing = "warning: there was nothing to forget: the base knew 0 of 2 forget facts"
    assert nothing in done.out
    assert done.out.index("forget.worst_case") < done.out.index(nothing)
    again = json.loads(run("show", "run", "run", "--base", "base", "--json").out)
    assert again["base"]["worst_case"]["value"] == 0
    assert again["base"]["worst_case_of_known"] is None
    assert {"code", "severity", "text"} == set(again["findings"][0])
    judged = run("judge", "run", "--judge", "rules", "--json", "-q")
    assert "retain-low" in judged.out


@pytest.mark.parametrize(
    ("base", "told"),
    [
        ("nowhere", "--base nowhere is not a run folder; score the model before unlearning"),
        ("other", "its limit is 1, not 2"),
    ],
)
def test_a_base_that_does_not_fit_is_refused_before_anything_is_asked(
    base: str, told: str, tiny_llama: Path, benchmark_folder: Path, tmp_path: Path, run: Run
) -> None:
    asked = ["score", str(tiny_llama), "--benchmark", str(benchmark_folder), "--profile", "quick"]
    if base == "other":
        run(*asked, "--limit", "1", "-q", "--out", "other")
    # In a process of its own, whose libraries must not write beside the one line.
    words = [*asked, *SCORED[2:], "--base", base, "--out", "run"]
    command = [sys.executable, "-m", "unlearnbench", *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_show_run_prints_what_the_base_knew_beside_the_headline(
    pair: tuple[Path, Path], run: Run
) -> None:
    done = run("show", "run", str(pair[0]), "--base", str(pair[1]))
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    told = (
        "of the 2 forget facts that the base knew 0 leak: worst case 0.0 % (95 % interval 0.0–65.8)"
    )
    assert told in lines
    for start in ("retain.mean 0.0 % is less than half", "30 of 30 retain answers are refusals"):
        assert any(line.startswith(f"warning: {start}") for line in lines)
    known = "the base knew 2 of 40 forget facts in its own worst case"
    assert f"warning: there was nothing to forget: {known}" in lines
    (headline,) = [line for line in lines if "forget.worst_case" in line]
    assert " 0.0 % " in headline and " 40 " in headline


def test_a_model_cannot_steer_the_terminal_by_what_is_quoted(tmp_path: Path, run: Run) -> None:
    folder = stored(tmp_path / "run", many("f", (10, "xx")), "x")
    texts = (folder / "completions.jsonl").read_text("utf-8")
    evil = r"No idea\u001b[31m [/bold] \u202e"
    (folder / "completions.jsonl").write_text(texts.replace("It is something else.", evil))
    done = run("show", "run", str(folder))
    assert "“No idea[U+001B][31m [/bold] [U+202E]”" in done.out
    assert "\x1b" not in done.out


def test_compare_says_whose_run_has_warnings(pair: tuple[Path, Path], run: Run) -> None:
    done = run("compare", *map(str, pair))
    assert "model-a [1, 2, 3, 4," in done.out  # 5 stands on the next line
    assert "base [3, 4, 5]" in done.out
    assert "[2] warning: 30 of 30 retain answers are refusals" in done.out
    record = json.loads(run("compare", *map(str, pair), "--json").out)
    assert [bool(one["findings"]) for one in record["runs"]] == [True, True]


def test_the_demo_says_what_holds_of_which_run(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def scored(checkpoint: str, out: Path, profile: str, quiet: bool, base: Any = None) -> Any:
        found = load_run(pair[1] if base is None else pair[0])
        return found if base is None else found.against(load_run(base))

    monkeypatch.setattr(demo_command, "_score", scored)
    monkeypatch.setattr(demo_command, "_train", lambda out, quiet: out)
    assert demo_command.demo(out=Path("unused"), quiet=True) == 0
    text = capsys.readouterr().out
    assert "of the 2 forget facts that the base knew 0 leak: worst case 0.0 %" in text
    assert "warning: after: there was nothing to forget: the base knew 2 of 40" in text
    assert text.count("profile quick asks some of the paraphrases") == 1
    demo_command.demo(out=Path("unused"), json=True, quiet=True)
    record = json.loads(capsys.readouterr().out)
    assert record["after"]["base"]["worst_case"]["value"] == 0.05


def test_a_report_uses_the_same_findings(pair: tuple[Path, Path], tmp_path: Path) -> None:
    trained = stored(
        tmp_path / "trained",
        many("f", (40, "rr")),
        "rrr",
        base={"name": "base", "fingerprint": score_manifest("base")["identity"]["checkpoint"]},
    )
    text = page.make_page([trained, pair[1]], lambda run: {}).html
    assert "There was nothing to forget: the base knew 2 of 40 forget facts" in text
    assert "30 of 30 retain answers are refusals (“I&#39;m sorry" in text
    assert "among the facts that the base knew" in text
