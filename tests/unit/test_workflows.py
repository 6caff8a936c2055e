"""The workflows: pinned, without rights where anything is installed, deaf to strangers' text."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))
SCRIPT = ROOT / ".ci" / "changed_rows.py"
PINNED = re.compile(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
INSTALLS = re.compile(r"\b(?:pip|make|npm|apt-get|uv|conda)\b|\.ci/run|actions/setup-")
RUNS_NOTHING_OF_OURS = re.compile(r"actions/(?:deploy-pages|checkout|upload-\S+)@")

pytestmark = pytest.mark.skipif(not FILES, reason="the workflows lie in the repository alone")


def jobs() -> Iterator[tuple[str, dict[str, object]]]:
    for path in FILES:
        for name, job in yaml.safe_load(path.read_text("utf-8"))["jobs"].items():
            yield f"{path.stem}.{name}", job


def steps(job: dict[str, object]) -> list[dict[str, object]]:
    found = job["steps"]
    assert isinstance(found, list)
    return found


JOBS = dict(jobs())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    used = [line.split("uses:")[1].strip() for line in lines if "uses:" in line]
    assert [use for use in used if not PINNED.fullmatch(use)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_workflow_has_no_rights_that_a_job_does_not_name(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text("utf-8"))
    assert workflow["permissions"] == {}
    assert "concurrency" in workflow
    assert "pull_request_target" not in path.read_text("utf-8")
    assert "secrets." not in path.read_text("utf-8")


@pytest.mark.parametrize("name", JOBS)
def test_what_installs_cannot_write(name: str) -> None:
    job = JOBS[name]
    rights = job["permissions"]
    assert isinstance(rights, dict)
    assert isinstance(job["timeout-minutes"], int)
    if "write" not in rights.values():
        assert rights == {"contents": "read"}
        return
    for step in steps(job):
        assert "run" not in step
        assert not INSTALLS.search(str(step))
        assert RUNS_NOTHING_OF_OURS.match(str(step["uses"]))


@pytest.mark.parametrize("name", JOBS)
def test_commands_hold_nothing_that_is_filled_in(name: str) -> None:
    assert [step["run"] for step in steps(JOBS[name]) if "${{" in str(step.get("run", ""))] == []


@pytest.mark.parametrize("name", JOBS)
def test_no_credentials_stay_behind(name: str) -> None:
    checkouts = [s for s in steps(JOBS[name]) if "actions/checkout@" in str(s.get("uses", ""))]
    kept = [s for s in checkouts if s["with"]["persist-credentials"] is not False]  # type: ignore[index]
    assert kept == []


def test_the_verifying_job_sees_one_folder_of_the_proposal() -> None:
    proposal = [
        step["with"]
        for step in steps(JOBS["submissions.verify"])
        if "head.sha" in str(step.get("with", ""))
    ]
    assert [(w["sparse-checkout"], w["sparse-checkout-cone-mode"]) for w in proposal] == [  # type: ignore[index]
        ("/${{ matrix.folder }}/", False)
    ]


def test_zizmor_finds_nothing() -> None:
    zizmor = shutil.which("zizmor") or shutil.which("zizmor", path=str(Path(sys.executable).parent))
    if zizmor is None:
        pytest.skip("zizmor is not installed")
    options = ["--offline", "--no-progress", "--persona", "auditor"]
    found = subprocess.run(
        [zizmor, *options, str(FILES[0].parent)], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout


def run_script(paths: list[str], root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", SCRIPT, root],
        input="".join(f"{path}\0" for path in paths),
        capture_output=True,
        text=True,
        check=False,
    )


def test_changed_folders_are_named_once_and_sorted(tmp_path: Path) -> None:
    for folder in ("submissions/mine", "bases/a-base", "attestations/mine"):
        (tmp_path / "leaderboard" / folder).mkdir(parents=True)
    paths = [
        "leaderboard/submissions/mine/run/outcomes.jsonl",
        "leaderboard/submissions/mine/submission.json",
        "leaderboard/submissions/gone/submission.json",
        "leaderboard/attestations/mine/them-rerun/attestation.json",
        "leaderboard/bases/a-base/base.json",
        "leaderboard/README.md",
        "unlearnbench/cli/main.py",
    ]
    found = run_script(paths, tmp_path)
    assert (found.returncode, found.stderr) == (0, "")
    assert json.loads(found.stdout.removeprefix("folders=")) == [
        "leaderboard/attestations/mine",
        "leaderboard/bases/a-base",
        "leaderboard/submissions/mine",
    ]
    assert found.stdout.count("\n") == 1


@pytest.mark.parametrize(
    "name",
    [
        "Mine", "my row", "a_b", "a--b", "-a", "a-", "..", ".git", "$(id)", "a;id", "a\nfolders=x",
        "a`id`", "é", "\u202ea", "${{ github.token }}", "a" * 65, "a'", 'a"', "*",
    ],
)  # fmt: skip
def test_a_name_that_no_row_may_have_stops_the_workflow(name: str, tmp_path: Path) -> None:
    found = run_script([f"leaderboard/submissions/{name}/submission.json"], tmp_path)
    assert found.returncode == 1
    assert found.stdout == ""
    assert found.stderr.isascii()
    assert found.stderr.count("\n") == 1


def test_files_beside_the_folders_and_too_many_folders_stop_it_too(tmp_path: Path) -> None:
    assert run_script(["leaderboard/submissions/loose.json"], tmp_path).returncode == 1
    many = [f"leaderboard/submissions/row-{n}" for n in range(21)]
    for folder in many:
        (tmp_path / folder).mkdir(parents=True)
    found = run_script([f"{folder}/submission.json" for folder in many], tmp_path)
    assert "at most 20" in found.stderr


def test_a_link_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "leaderboard" / "submissions").mkdir(parents=True)
    (tmp_path / "leaderboard" / "submissions" / "mine").symlink_to("/")
    found = run_script(["leaderboard/submissions/mine"], tmp_path)
    assert found.returncode == 1
    assert run_script(["leaderboard/submissions/mine/x"], tmp_path).stdout == "folders=[]\n"


def test_the_script_is_importable_without_the_package() -> None:
    specification = importlib.util.spec_from_file_location("changed_rows", SCRIPT)
    assert specification is not None
    module = importlib.util.module_from_spec(specification)
    assert specification.loader is not None
    specification.loader.exec_module(module)
    assert module.changed_folders(["README.md"], ROOT) == []


def commands() -> Iterator[str]:
    """What the jobs call of this program: its words and options, without values."""
    for job in JOBS.values():
        for step in steps(job):
            text = str(step.get("run", "")).replace("\\\n", " ")
            yield from re.findall(r"^\s*unlearnbench (.+)$", text, re.MULTILINE)


@pytest.mark.parametrize("line", sorted(set(commands())), ids=lambda line: line.split(" --")[0])
def test_the_commands_have_these_options(line: str) -> None:
    words = line.split(" --")[0].split()
    code = "import sys; from unlearnbench.cli.main import main; sys.exit(main())"
    shown = subprocess.run(
        [sys.executable, "-c", code, *words, "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "200", "PYTHONPATH": str(ROOT)},
    ).stdout
    assert [option for option in re.findall(r"--[a-z-]+", line) if option not in shown] == []
