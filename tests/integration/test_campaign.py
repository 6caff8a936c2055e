"""Campaigns on the real workflow engine: made once, never again, and failures named."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path

import pytest

from tests.conftest import CommandLine, write_benchmark

ENGINE = Path(__file__).parents[2] / ".venv-snakemake" / "bin"
SNAKEMAKE = shutil.which("snakemake", path=f"{ENGINE}{os.pathsep}{os.environ['PATH']}")
needs_snakemake = pytest.mark.skipif(
    SNAKEMAKE is None, reason="the program snakemake is not here: make .venv-snakemake/.done"
)


@pytest.fixture
def plan(tmp_path: Path, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plan of one training, its score and the base's; paths are relative to where it is run."""
    if SNAKEMAKE:
        beside = f"{Path(SNAKEMAKE).parent}{os.pathsep}{os.environ['PATH']}"
        monkeypatch.setenv("PATH", beside)
    monkeypatch.chdir(tmp_path)
    # Jobs are processes of their own, in another folder.
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    benchmark = write_benchmark(tmp_path / "a benchmark", forget=2, retain=5)
    path, model = tmp_path / "plan.toml", os.path.relpath(tiny_llama)
    path.write_text(
        f"benchmark = {json.dumps(benchmark.name)}\nmodels = [{json.dumps(model)}]\n"
        '[score]\nprofile = "quick"\n'
        '[[train]]\nmethod = "grad-ascent"\nsettings = { max_steps = 1, batch_size = 1 }\n'
    )
    return path


def marks(folder: Path) -> dict[str, float]:
    return {path.name: path.stat().st_mtime for path in (folder / "done").iterdir()}


@needs_snakemake
@pytest.mark.slow
def test_all_is_made_once(plan: Path, command_line: CommandLine) -> None:
    first = command_line("campaign", plan, "--jobs", "2", "--json")
    assert first.code == 0, first.err
    made = json.loads(first.out)
    folder = Path(made["folder"])
    assert folder == Path("campaigns/plan") and made["unfinished"] == {}
    base, trained = made["rows"]
    assert base["method"] == "before unlearning" and trained["method"] == "grad-ascent"
    assert trained["settings"] == "batch_size=1, max_steps=1" and trained["seed"] == 0
    assert trained["worst_case"] is not None and trained["missing"] == ""
    table = list(csv.DictReader((folder / "table.csv").open()))
    assert [row["method"] for row in table] == ["before unlearning", "grad-ascent"]
    assert "grad-ascent" in (folder / "report.html").read_text("utf-8")

    before = marks(folder)
    assert command_line("campaign", plan, "--quiet").code == 0
    assert marks(folder) == before

    score = next((folder / "runs").glob("*-score-*"))
    shutil.rmtree(score)
    again = command_line("campaign", plan, "--quiet")
    assert again.code == 0 and "3 of 3 jobs finished" in again.out
    now = marks(folder)
    assert {name for name in now if now[name] != before[name]} == {score.name}


@needs_snakemake
@pytest.mark.slow
def test_a_job_that_fails_stops_no_other(plan: Path, command_line: CommandLine) -> None:
    text = plan.read_text().replace('profile = "quick"', 'profile = "quick"\njudge = "gemini"')
    plan.write_text(text)
    result = command_line("campaign", plan, "--json", "--out", "made")
    assert result.code == 1
    made = json.loads(result.out)
    base, score = made["unfinished"].values()  # training needs no judge
    assert [row["missing"] for row in made["rows"]] == ["base", "score"]
    assert all(row["worst_case"] is None for row in made["rows"])
    assert "GEMINI_API_KEY" in Path(base).read_text()
    assert score is None
    shown = command_line("campaign", plan, "--out", "made", "--quiet")
    assert shown.code == 1 and "not finished:" in shown.out and "1 of 3 jobs finished" in shown.out


def test_without_the_engine(
    plan: Path, command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(plan.parent))
    result = command_line("campaign", plan)
    assert result.code == 2 and "pipx install snakemake" in result.err


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("grad-ascent", "grad-ascend", "did you mean 'grad-ascent'"),
        ("max_steps", "max_step", "did you mean 'max_steps'"),
        ("quick", "quickly", "quick"),
        ("tiny-llama", "tiny-lama", "tiny-llama"),
        ("a benchmark", "no benchmark", "no benchmark"),
    ],
    ids=["method", "setting", "profile", "model", "benchmark"],
)
def test_names_are_checked_before_anything_runs(
    old: str, new: str, expected: str, plan: Path, command_line: CommandLine
) -> None:
    plan.write_text(plan.read_text().replace(old, new))
    result = command_line("campaign", plan)
    assert result.code == 2 and expected in result.err
    assert not Path("campaigns").exists()


def test_options_that_cannot_be_split(plan: Path, command_line: CommandLine) -> None:
    if SNAKEMAKE is None:
        pytest.skip("the program snakemake is not here")
    result = command_line("campaign", plan, "--snakemake", "--config 'a")
    assert result.code == 2 and "--snakemake" in result.err


def test_what_is_known_by_name_is_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unlearnbench.api.campaign import _absolute
    from unlearnbench.campaign.schema import PlanFile

    monkeypatch.chdir(tmp_path)
    for name in ("wkf", "smollm2-135m", "rules", "gemini", "mine"):
        (tmp_path / name).mkdir()
    told = {"benchmark": "wkf", "models": ["smollm2-135m", "mine"], "score": {"judge": "rules"}}
    plan = _absolute(PlanFile.model_validate({**told, "relearn": {"judge": "gemini"}}))
    assert plan.relearn is not None
    assert (plan.benchmark, plan.score.judge, plan.relearn.judge) == ("wkf", "rules", "gemini")
    assert plan.models == ["smollm2-135m", str(tmp_path / "mine")]
