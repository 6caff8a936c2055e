"""The public API: names, objects in place of names, reports of progress, typed results."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import unlearnbench
from tests.scripted import ScriptedEngine
from unlearnbench.api.names import NAMES
from unlearnbench.judging.rules.judge import RulesJudge
from unlearnbench.progress import Progress
from unlearnbench.types import Failure, JudgeItem, Judgement
from unlearnbench.types.options import EngineOptions, RunOptions


class Deaf:
    """A judge that never gives a verdict."""

    name, identity = "deaf", "d" * 64

    def judge(self, items: Sequence[JudgeItem]) -> Iterator[Judgement | Failure]:
        yield from (Failure(item.key, "judge", "heard nothing") for item in items)


def knows_all() -> ScriptedEngine:
    return ScriptedEngine("knows-all", EngineOptions())


def test_every_public_name_is_there() -> None:
    assert set(unlearnbench.__all__) == {*NAMES, "__version__"}
    for name in unlearnbench.__all__:
        assert getattr(unlearnbench, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'scor'"):
        unlearnbench.scor  # type: ignore[attr-defined]  # noqa: B018


def test_importing_the_package_loads_no_part_of_it() -> None:
    code = (
        "import unlearnbench, sys; print([m for m in sys.modules if m.startswith('unlearnbench.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['unlearnbench.api', 'unlearnbench.api.names']"


def test_engine_judge_and_benchmark_may_be_objects(benchmark_folder: Path, tmp_path: Path) -> None:
    facts = unlearnbench.load_benchmark(str(benchmark_folder))
    run = unlearnbench.score(
        "mine",
        facts,
        engine=knows_all(),
        judge=RulesJudge(),
        run_options=RunOptions(tmp_path / "run"),
    )
    assert run.scores["forget.worst_case"].value == 1.0
    again = unlearnbench.rejudge(run.path, Deaf(), run_options=RunOptions(tmp_path / "again"))
    assert again.n_open == len(run.probes)
    assert unlearnbench.estimate(run.path, RulesJudge()).verdicts == len(run.probes)


@pytest.mark.parametrize("options", [{"max_cost": 1.0}, {"batch": True}])
def test_an_object_has_its_own_settings(
    options: dict[str, object], scripted_runs: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(unlearnbench.JudgeError, match="given as an object"):
        unlearnbench.rejudge(
            scripted_runs["knows-all"],
            Deaf(),
            run_options=RunOptions(tmp_path / "run"),
            **options,  # type: ignore[arg-type]
        )


def test_progress_is_reported_to_the_end_with_totals(
    benchmark_folder: Path, tmp_path: Path
) -> None:
    reports: list[Progress] = []
    run = unlearnbench.score(
        "mine",
        str(benchmark_folder),
        engine=knows_all(),
        run_options=RunOptions(tmp_path / "run"),
        on_progress=reports.append,
    )
    assert {report.folder for report in reports} == {run.path}
    for unit in ("answers", "verdicts"):
        done = [report.done for report in reports if report.unit == unit]
        assert done == sorted(done)
        assert (done[0], done[-1]) == (0, len(run.probes))
    assert {report.total for report in reports} == {len(run.probes)}


def test_a_new_run_beside_an_old_one(
    benchmark_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def made(resume: bool, out: Path | None = None) -> Path:
        options = RunOptions(out, resume)
        facts = str(benchmark_folder)
        return unlearnbench.score("m", facts, engine=knows_all(), run_options=options).path

    first = made(True)
    assert made(True) == first
    assert made(False).name == f"{first.name}.2"
    assert made(False).name == f"{first.name}.3"
    with pytest.raises(unlearnbench.RunError, match="--no-resume needs another --out"):
        made(False, first)


def test_a_report_and_a_comparison_from_python(scripted_runs: dict[str, Path]) -> None:
    page = unlearnbench.report([scripted_runs["knows-all"], scripted_runs["forgets-a"]])
    assert page.html.startswith("<!doctype html>")
    assert page.n_checkpoints == 2


def test_a_judge_is_calibrated_from_python() -> None:
    measured = unlearnbench.calibrate("rules")
    assert measured.judge == "rules"
    assert measured.overall.n > 100
    assert measured.overall.specificity.value is not None
