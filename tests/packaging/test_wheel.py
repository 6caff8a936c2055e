"""The wheel: its names, its content, its size, and that it works away from the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = ROOT / "leaderboard" / "submissions"
MOST_BYTES = 3_700_000
"""Of the packed wheel. It has 3.5 MB: accepted base runs 1.4 (of LKF 0.8, of WKF 0.2 and 0.4 in
profile strict), benchmarks about 0.8 (half of that older editions), lists of words of the rules
0.3; the rows would be 4 MB more.
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def site(wheel: Path) -> Path:
    """The wheel's files where an installation would put them."""
    zipfile.ZipFile(wheel).extractall(wheel.parent / "site")
    return wheel.parent / "site"


def command(site: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "unlearnbench", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
    )


def test_the_wheel_holds_what_the_program_needs(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"unlearnbench"}
    content = [name for name in names if name.startswith("unlearnbench/_content/")]
    assert "unlearnbench/_content/benchmarks/wkf/benchmark.toml" in content
    assert "unlearnbench/_content/benchmarks/wkf/indirect.jsonl" in content
    for path in ("schema/submission.schema.json", "site/index.html.j2", "SUBMITTING.md"):
        assert f"unlearnbench/_content/leaderboard/{path}" in content
    assert "unlearnbench/_content/docs/TRUST.md" in content
    for name in ("paraphraser.toml", "prompt.md", "second.md"):
        assert f"unlearnbench/_content/paraphrasers/gemini/{name}" in content
    assert not [name for name in content if name.endswith(".py")]
    assert "unlearnbench/judging/rules/tables.toml" in names


def test_the_wheel_is_small_since_rows_stay_in_the_repository(wheel: Path) -> None:
    inside = "unlearnbench/_content/leaderboard/"
    names = [n for n in zipfile.ZipFile(wheel).namelist() if n.startswith(inside)]
    assert {name.removeprefix(inside).split("/")[0] for name in names} == {
        "README.md",
        "SUBMITTING.md",
        "bases",
        "schema",
        "site",
    }
    assert wheel.stat().st_size <= MOST_BYTES


def test_it_works_elsewhere(site: Path, tmp_path: Path) -> None:
    done = command(site, tmp_path, "show", "benchmark", "wkf", "--json")
    assert json.loads(done.stdout)["id"] == "wkf", done.stderr


def test_a_board_without_rows_says_how_to_get_them(site: Path, tmp_path: Path) -> None:
    done = command(site, tmp_path, "leaderboard", "build", "--out", "site")
    assert done.returncode == 2
    assert "--submissions DIR" in done.stderr
    assert "repository" in done.stderr
    assert not (tmp_path / "site").exists()


def test_a_board_of_the_repository_s_rows(site: Path, tmp_path: Path) -> None:
    row = tmp_path / "submissions" / "jensun"
    shutil.copytree(ROWS / "jensun", row)
    done = command(site, tmp_path, "leaderboard", "build", "--submissions", "submissions")
    assert done.returncode == 0, done.stderr
    assert "judge rules: 1 row, 1 ranked" in done.stdout
    assert (tmp_path / "site" / "rows" / "jensun.html").is_file()
