"""`verify --rerun`: a submission's checkpoint asked again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.conftest import CommandLine
from tests.scripted import ScriptedEngine
from unlearnbench.api.attestations import rejudge_submission, rerun
from unlearnbench.errors import SubmissionError
from unlearnbench.types import Completion, Failure, Probe, Sampling
from unlearnbench.types.options import RunOptions

pytestmark = pytest.mark.usefixtures("scripted", "shipped_bases")


def test_a_rerun_that_agrees(good_submission: Path, tmp_path: Path) -> None:
    found = rerun(
        good_submission, "forgets-a", base="knows-all", run_options=RunOptions(tmp_path / "again")
    )
    assert found.agrees
    assert found.n_same == found.n_answers == 2120
    assert found.low == found.high == found.claimed
    assert found.changed == found.open_facts == ()


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


def test_a_rerun_compares_the_token_ids_where_both_runs_have_them(
    good_submission: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def again(name: str) -> tuple[bool, bool | None]:
        found = rerun(
            good_submission, "forgets-a", base="knows-all", run_options=RunOptions(tmp_path / name)
        )
        assert found.n_same == found.n_answers
        return found.agrees, found.same_prompts

    def ask_tokens(digest: str | None) -> None:
        monkeypatch.setattr(ScriptedEngine, "prompts_fingerprint", lambda self, probes: digest)

    assert again("same") == (True, True)
    ask_tokens(None)
    assert again("unknown") == (True, None)
    ask_tokens("b" * 64)
    assert again("others") == (False, False)


def test_token_ids_are_claimed_and_kept_by_another_judge(
    good_submission: Path, tmp_path: Path
) -> None:
    claim = json.loads((good_submission / "submission.json").read_text("utf-8"))
    assert len(claim["run"]["identity"]["prompts"]) == 64
    judged = rejudge_submission(
        good_submission, "rules", run_options=RunOptions(tmp_path / "judged")
    )
    assert judged.same_prompts is True


def test_rerun_wants_one_submission(good_submission: Path, command_line: CommandLine) -> None:
    done = command_line("verify", good_submission, good_submission, "--rerun", "x")
    assert done.code == 2
    assert "--rerun: give the one submission" in done.err
