"""`verify --rerun`: a submission's checkpoint asked again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ABOUT
from tests.scripted import ScriptedEngine
from unlearnbench import score
from unlearnbench.api.attestations import rejudge_submission, rerun
from unlearnbench.api.submissions import submit
from unlearnbench.errors import SubmissionError
from unlearnbench.plugins import BUILTIN
from unlearnbench.types import Completion, Failure, Probe, Sampling
from unlearnbench.types.options import About, RunOptions


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    engines: Any = BUILTIN["engines"]
    monkeypatch.setitem(engines, "scripted", "tests.scripted:ScriptedEngine")


@pytest.mark.usefixtures("scripted")
def test_a_rerun_that_agrees(good_submission: Path, tmp_path: Path) -> None:
    found = rerun(
        good_submission, "forgets-a", base="knows-all", run_options=RunOptions(tmp_path / "again")
    )
    assert found.agrees
    assert found.n_same == found.n_answers == 2120
    assert found.low == found.high == found.claimed
    assert found.changed == found.open_facts == ()


@pytest.mark.usefixtures("scripted")
def test_a_rerun_of_another_checkpoint_is_refused_before_it_is_asked(
    good_submission: Path, tmp_path: Path
) -> None:
    with pytest.raises(SubmissionError, match="another checkpoint"):
        rerun(
            good_submission,
            "forgets-b",
            base="knows-all",
            run_options=RunOptions(tmp_path / "again"),
        )
    assert not (tmp_path / "again").exists()


@pytest.mark.usefixtures("scripted")
@pytest.mark.parametrize("lost", ["answers", "everything"])
def test_a_rerun_that_does_not_agree(
    lost: str, good_submission: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkpoint knows what it was submitted as having forgotten, or its answers fail."""

    def generate(
        self: ScriptedEngine, block: Sequence[Probe], sampling: Sampling
    ) -> Iterator[Completion | Failure]:
        for probe in block:
            if lost == "answers":
                yield Completion(probe.key, probe.answer, "stop", 5)
            else:
                yield Failure(probe.key, "generate", "the machine broke")

    monkeypatch.setattr(ScriptedEngine, "generate", generate)
    found = rerun(
        good_submission, "forgets-a", base="knows-all", run_options=RunOptions(tmp_path / "again")
    )
    assert not found.agrees
    assert (found.changed if lost == "answers" else found.open_facts) != ()
    assert found.high == 1.0


@pytest.mark.usefixtures("scripted")
def test_a_rerun_compares_the_token_ids_where_both_runs_have_them(
    good_submission: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask_tokens(digest: str) -> None:
        monkeypatch.setattr(
            ScriptedEngine, "prompts_fingerprint", lambda self, probes: digest, raising=False
        )

    assert (
        rerun(
            good_submission, "forgets-a", base="knows-all", run_options=RunOptions(tmp_path / "old")
        ).same_prompts
        is None
    )
    ask_tokens("a" * 64)
    runs = [
        score(n, "wkf", engine="scripted", run_options=RunOptions(tmp_path / n))
        for n in ("knows-all", "forgets-a")
    ]
    row = submit(runs[1].path, runs[0].path, About(*ABOUT), out=tmp_path / "row")
    claim = json.loads((row / "submission.json").read_text("utf-8"))
    assert claim["run"]["identity"]["prompts"] == "a" * 64
    again = rerun(row, "forgets-a", base="knows-all", run_options=RunOptions(tmp_path / "again"))
    assert (again.agrees, again.same_prompts) == (True, True)
    ask_tokens("b" * 64)
    other = rerun(row, "forgets-a", base="knows-all", run_options=RunOptions(tmp_path / "other"))
    assert (other.agrees, other.same_prompts) == (False, False)
    assert other.n_same == other.n_answers
    judged = rejudge_submission(row, "rules", run_options=RunOptions(tmp_path / "judged"))
    assert judged.same_prompts is True


def test_rerun_wants_one_submission(good_submission: Path) -> None:
    asked = ["verify", str(good_submission), str(good_submission), "--rerun", "x"]
    done = subprocess.run(
        [sys.executable, "-m", "unlearnbench", *asked], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "--rerun: give the one submission" in done.stderr
