"""Several benchmarks a call: a run each, the model loaded once, one summary."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import unlearnbench
from tests.conftest import write_benchmark
from tests.scripted import ScriptedEngine
from unlearnbench.engines.transformers import engine as engines
from unlearnbench.errors import BenchmarkError
from unlearnbench.judging.rules.judge import RulesJudge
from unlearnbench.runs.several import Runs
from unlearnbench.types import Estimate, JudgeItem, Usage
from unlearnbench.types.options import EngineOptions, RunOptions


@pytest.fixture
def two(tmp_path: Path) -> list[str]:
    """Two small benchmarks, `tiny` and `other`."""
    folders = [write_benchmark(tmp_path / name, forget=2) for name in ("tiny", "other")]
    toml = folders[1] / "benchmark.toml"
    toml.write_text(toml.read_text().replace('id = "tiny"', 'id = "other"'))
    return [str(folder) for folder in folders]


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "unlearnbench", "score", *words, "-q"]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


def test_the_model_is_loaded_once_and_answers_as_alone(
    tiny_llama: Path, two: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = []
    load = engines.load_model
    monkeypatch.setattr(engines, "load_model", lambda *a, **k: loaded.append(a) or load(*a, **k))
    options = EngineOptions(dtype="float32", batch_size=8)
    runs = unlearnbench.score(
        str(tiny_llama),
        two,
        profile="quick",
        engine_options=options,
        run_options=RunOptions(tmp_path / "runs"),
    )
    assert isinstance(runs, Runs)
    assert len(loaded) == 1
    assert [r.path for r in runs] == [tmp_path / "runs" / name for name in ("tiny", "other")]
    alone = unlearnbench.score(
        str(tiny_llama),
        two[1],
        profile="quick",
        engine_options=options,
        run_options=RunOptions(tmp_path / "alone"),
    )
    assert [row.text for row in alone.rows()] == [row.text for row in runs[1].rows()]
    frame = runs.to_pandas()
    assert set(frame["benchmark"]) == {"tiny", "other"}
    assert len(frame) == sum(len(r.scores) for r in runs)
    assert runs.n_open == 0
    assert len(runs[:1]) == 1


def test_the_command(tiny_llama: Path, two: list[str], tmp_path: Path) -> None:
    asked = [str(tiny_llama), "--profile", "quick", "--limit", "1", "--out", "made"]
    shown = run(*asked, "--benchmark", two[0], "--benchmark", two[1], cwd=tmp_path)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "tiny-llama on 2 benchmarks" in shown.stdout
    lines = shown.stdout.splitlines()
    assert max(len(x) for x in lines if not x.startswith(("note:", "warning:"))) <= 80
    done = run(*asked, "--benchmark", ",".join(two), "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    records = json.loads(done.stdout)
    assert [record["identity"]["benchmark"] for record in records] == ["tiny", "other"]
    assert [record["run"] for record in records] == ["made/tiny", "made/other"]


def test_an_open_fact_in_one_of_them_is_an_open_call(
    tiny_llama: Path, two: list[str], tmp_path: Path
) -> None:
    first = unlearnbench.score(
        str(tiny_llama),
        two[0],
        profile="quick",
        limit=1,
        run_options=RunOptions(tmp_path / "first"),
    )
    words = [str(first.path), "--engine", "replay", "--profile", "quick", "--out", "made"]
    done = run(*words, "--benchmark", two[0], "--benchmark", two[1], cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert unlearnbench.load_run(tmp_path / "made" / "other").n_open


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--benchmark", "wkf,wkf"], "each benchmark is scored once a call"),
        (["--benchmark", "wkf,"], "a name is missing"),
        (["--benchmark", "wkf,lfk"], "did you mean 'lkf'"),
        (["--benchmark", "wkf,lkf", "--source", "hub"], "give them with one benchmark"),
        (["--profile", "quick", "--profile", "paper"], "--profile is given 2 times"),
    ],
)
def test_mistakes_are_told_before_anything_is_loaded(
    words: list[str], told: str, tmp_path: Path
) -> None:
    done = run("nowhere", *words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_none_is_no_call() -> None:
    with pytest.raises(BenchmarkError, match="name one or more"):
        unlearnbench.score("nowhere", [])


class Paid(RulesJudge):
    """The rules, at 0.4 dollars a run."""

    def __init__(self) -> None:
        super().__init__()
        self.usage = Usage(calls=1, dollars=0.4)

    def keep_in(self, folder: Path | None) -> None:
        """Keep nothing."""

    def estimate(self, items: Sequence[JudgeItem]) -> Estimate:
        return Estimate(1, len(items), 0, 1, 1, 0.4)


@pytest.mark.parametrize(
    ("limit", "expected"), [(1.0, [1.0, 0.6]), (0.3, [0.3, 0.0]), (None, 2 * [None])]
)
def test_a_limit_of_cost_holds_for_all_benchmarks_together(
    limit: float | None,
    expected: list[float | None],
    two: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits: list[float | None] = []

    def make(spec: str, max_cost: float | None = None, *_: object) -> Paid:
        limits.append(max_cost)
        return Paid()

    monkeypatch.setattr("unlearnbench.api.judges.make_judge", make)
    engine = ScriptedEngine("knows-all", EngineOptions())
    out = RunOptions(tmp_path / "runs")
    runs = unlearnbench.score(
        "m", two, engine=engine, judge="paid", max_cost=limit, run_options=out
    )
    assert limits == expected
    assert [run.record.judge.usage.dollars for run in runs if run.record.judge.usage] == [0.4, 0.4]
