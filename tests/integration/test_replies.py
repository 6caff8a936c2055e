"""Rows of a paid judge: their replies are sent, and every verdict follows from them again."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ABOUT, CommandLine
from tests.forgeries.forgery import Forgery, seal, used
from tests.forgeries.replies import MUTATIONS, REPLIES
from tests.judges_server import Behaviour, judges_server
from tests.scripted import ScriptedEngine
from unlearnbench import score
from unlearnbench.api.attestations import attest, attestations, rejudge_submission
from unlearnbench.api.submissions import listed_judges, submit, submit_base, verify
from unlearnbench.errors import JudgeError, SubmissionError
from unlearnbench.hashing import sha256_text
from unlearnbench.judging.catalogue import shipped_judge
from unlearnbench.judging.llm.judge import LLMJudge
from unlearnbench.plugins import BUILTIN
from unlearnbench.runs.codec import outcome_record
from unlearnbench.runs.folder import RunFolder
from unlearnbench.runs.judging import judge_readings
from unlearnbench.runs.replies import read_replies, reply_text
from unlearnbench.runs.run import load_run
from unlearnbench.runs.schema import ScoreRecord
from unlearnbench.submissions.attestations import Attested
from unlearnbench.submissions.bases import Bases
from unlearnbench.submissions.replies import items_of
from unlearnbench.submissions.verify import Checked, check_submission
from unlearnbench.types import Completion, Probe, Sampling
from unlearnbench.types.options import About, RunOptions

OTHER = "B. Person"


class Wordy(ScriptedEngine):
    """Answers each question of a fact in one of three ways, so that a call judges several."""

    def generate(self, block: Sequence[Probe], sampling: Sampling) -> Iterator[Completion]:
        for result in super().generate(block, sampling):
            number = int(sha256_text(result.key.phrasing), 16) % 3
            yield replace(result, text=("", "I say: ", "Well, ")[number] + result.text)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behaviour]:
    """A server that answers for `gemini`, and the engine of the runs."""
    how = Behaviour()
    with pytest.MonkeyPatch.context() as patch, judges_server(how) as address:
        patch.setitem(BUILTIN["engines"], "scripted", f"{__name__}:Wordy")
        patch.setenv("UNLEARNBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("GEMINI_API_KEY", "sekret-0123456789")
        patch.setenv("GOOGLE_GEMINI_BASE_URL", address)
        yield how


@pytest.fixture(scope="module")
def paid_runs(served: Behaviour, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs of a model before and after unlearning, judged by `gemini`."""
    folder = tmp_path_factory.mktemp("paid")
    for name in ("knows-all", "forgets-a"):
        score(
            name,
            "wkf",
            engine="scripted",
            profile="standard",
            judge="gemini",
            run_options=RunOptions(folder / name),
        )
    return {path.name: path for path in folder.iterdir()}


@pytest.fixture(scope="module")
def paid_bases(paid_runs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The accepted base run."""
    folder = tmp_path_factory.mktemp("bases")
    submit_base(paid_runs["knows-all"], "made up", "A. Tester", out=folder / "knows-all-gemini")
    return folder


@pytest.fixture(scope="module")
def paid_row(
    paid_runs: dict[str, Path], paid_bases: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A submission judged by `gemini`."""
    out = tmp_path_factory.mktemp("board") / "submissions" / "tuned"
    run, about = paid_runs["forgets-a"], About(*ABOUT)
    return submit(run, "knows-all-gemini", about, out=out, bases=paid_bases)


@pytest.fixture(scope="module")
def accepted(paid_bases: Path) -> Bases:
    """The accepted base, checked once for all forgeries."""
    return Bases(paid_bases, listed_judges())


@pytest.fixture
def forged(paid_row: Path, tmp_path: Path) -> Path:
    """A copy of the row, to be changed."""
    folder = tmp_path / "submissions" / "tuned"
    shutil.copytree(paid_row, folder)
    return folder


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def checked(row: Path, bases: Path) -> Checked:
    (found,) = verify([row], bases=bases)
    assert found.checked is not None
    return found.checked


def test_a_row_of_a_paid_judge_stands(paid_row: Path, paid_bases: Path) -> None:
    began = used()
    (found,) = verify([paid_row], bases=paid_bases)
    assert found.ok, found.reasons
    assert used() - began < 10
    assert (paid_bases / "knows-all-gemini" / REPLIES).is_file()


def test_the_file_holds_what_was_asked_and_no_key(
    paid_row: Path, paid_runs: dict[str, Path]
) -> None:
    sent = gzip.decompress((paid_row / REPLIES).read_bytes())
    assert sent == (paid_runs["forgets-a"] / "replies.jsonl").read_bytes()
    assert b"sekret" not in sent
    assert all(len(json.loads(line)["canaries"]) == 2 for line in sent.splitlines())


def test_the_same_run_gives_the_same_bytes(
    paid_row: Path, paid_runs: dict[str, Path], paid_bases: Path, tmp_path: Path
) -> None:
    run, about, out = paid_runs["forgets-a"], About(*ABOUT), tmp_path / "again"
    again = submit(run, "knows-all-gemini", about, out=out, bases=paid_bases)
    assert (again / REPLIES).read_bytes() == (paid_row / REPLIES).read_bytes()


@pytest.mark.parametrize("forgery", MUTATIONS, ids=lambda forgery: forgery.name)
def test_a_forgery_is_refused(forged: Path, accepted: Bases, forgery: Forgery) -> None:
    before = {path: path.read_bytes() for path in forged.rglob("*") if path.is_file()}
    forgery.change(forged)
    after = {path: path.read_bytes() for path in forged.rglob("*") if path.is_file()}
    assert after != before
    seal(forged)
    found = check_submission(forged, accepted)
    reasons = [(reason.code, str(reason)) for reason in found.reasons]
    assert any(code == forgery.code and forgery.words in text for code, text in reasons), reasons


def test_names_of_forgeries_are_unique() -> None:
    names = [forgery.name for forgery in MUTATIONS]
    assert len(set(names)) == len(names)


def test_replies_of_a_free_judge_are_none(
    good_submission: Path, bases: Path, paid_row: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "tuned"
    shutil.copytree(good_submission, folder)
    shutil.copy(paid_row / REPLIES, folder / REPLIES)
    seal(folder)
    (found,) = verify([folder], bases=bases)
    assert [str(reason) for reason in found.reasons] == [
        f"{REPLIES}: replies: judge rules makes no calls"
    ]


def test_a_base_without_its_replies_is_none(
    paid_row: Path, paid_bases: Path, tmp_path: Path
) -> None:
    shutil.copytree(paid_bases, tmp_path / "bases")
    base = tmp_path / "bases" / "knows-all-gemini"
    (base / REPLIES).unlink()
    seal(base)
    (found,) = verify([paid_row], bases=tmp_path / "bases")
    assert "its replies are needed" in str(found.reasons[0])


def test_a_run_without_replies_is_not_submitted(
    paid_runs: dict[str, Path], paid_bases: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(paid_runs["forgets-a"], run)
    (run / "replies.jsonl").unlink()
    with pytest.raises(SubmissionError, match="has to be judged again"):
        submit(run, "knows-all-gemini", About(*ABOUT), out=tmp_path / "row", bases=paid_bases)


def test_a_damaged_reply_that_was_asked_again_is_left_out(
    paid_runs: dict[str, Path], paid_bases: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(paid_runs["forgets-a"], run)
    path = run / "replies.jsonl"
    first, *others = path.read_bytes().splitlines(keepends=True)
    unsound = json.dumps({**json.loads(first), "reply": "cut"}).encode() + b"\n"
    path.write_bytes(b"".join([b"{\n", unsound, *others, first]))
    row = submit(run, "knows-all-gemini", About(*ABOUT), out=tmp_path / "row", bases=paid_bases)
    sent = gzip.decompress((row / REPLIES).read_bytes())
    assert sent == b"".join([*others, first])


def rejudged(
    row: Path, bases: Path, out: Path, judge: str = "gemini", sample: bool = True
) -> Attested:
    run_options = RunOptions(out)
    found = rejudge_submission(row, judge, sample=sample, run_options=run_options, bases=bases)
    assert found.agrees
    assert found.sampled is sample
    return attest(row, [out], OTHER, bases=bases)


@pytest.fixture
def row(paid_row: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The row on a board of its own, and a person with a cache of their own."""
    monkeypatch.setenv("UNLEARNBENCH_CACHE", str(tmp_path / "cache-of-b"))
    folder = tmp_path / "submissions" / "tuned"
    shutil.copytree(paid_row, folder)
    return folder


@pytest.mark.parametrize("sample", [True, False], ids=["sample", "all"])
def test_the_same_paid_judge_is_asked_again_by_another_person(
    row: Path, paid_bases: Path, tmp_path: Path, served: Behaviour, sample: bool
) -> None:
    before = len(served.requests)
    made = rejudged(row, paid_bases, tmp_path / "again", sample=sample)
    replies = read_replies(tmp_path / "again")
    assert len(served.requests) - before == len(replies) > 0
    assert made.ok and made.sampled is sample
    (found,) = attestations(checked(row, paid_bases))
    assert found.ok and found.sampled is sample and found.claim is not None
    assert found.claim.kind == "re-judged"
    assert found.agreement is not None and found.agreement.agrees
    assert (found.folder / REPLIES).is_file()


def test_another_judge_judges_a_sample(row: Path, paid_bases: Path, tmp_path: Path) -> None:
    made = rejudged(row, paid_bases, tmp_path / "again", "rules")
    assert made.ok and made.sampled
    assert not (made.folder / REPLIES).exists()


@pytest.fixture(scope="module")
def attested_row(
    paid_row: Path, paid_bases: Path, tmp_path_factory: pytest.TempPathFactory
) -> Checked:
    """The row on a board, where another person had a sample of it judged again."""
    board = tmp_path_factory.mktemp("attested")
    row = board / "submissions" / "tuned"
    shutil.copytree(paid_row, row)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNLEARNBENCH_CACHE", str(board / "cache-of-b"))
        rejudged(row, paid_bases, board / "again")
    found = checked(row, paid_bases)
    (said,) = attestations(found)
    assert said.ok, said.reasons
    return found


@pytest.mark.parametrize("what", ["replies", "facts", "day", "row"])
def test_a_forged_sample_does_not_count(attested_row: Checked, tmp_path: Path, what: str) -> None:
    for part in ("submissions", "attestations"):
        shutil.copytree(attested_row.folder.parents[1] / part, tmp_path / part)
    (made,) = (tmp_path / "attestations" / "tuned").iterdir()
    claim = made / "attestation.json"
    stored = json.loads(claim.read_text("utf-8"))
    outcomes = made / "run" / "outcomes.jsonl"
    if what == "replies":
        (made / REPLIES).unlink()
    elif what == "facts":
        fact = lines(outcomes)[0]["fact"]
        rest = [line for line in lines(outcomes) if line["fact"] != fact]
        outcomes.write_text("".join(json.dumps(line) + "\n" for line in rest), "utf-8")
    elif what == "day":
        for name in ("created", "finished"):
            stored["run"][name] = "2026-01-05T00:00:00+00:00"
    else:
        stored["run"]["identity"]["plan"] = "0" * 64
    claim.write_text(json.dumps(stored), "utf-8")
    seal(made)
    (found,) = attestations(replace(attested_row, folder=tmp_path / "submissions" / "tuned"))
    assert not found.ok
    words = {"replies": "paid one anew", "facts": "missing", "day": "missing", "row": "missing"}
    assert words[what] in str(found.reasons[0])


def invent(folder: Path) -> None:
    """Let all replies of a run say that everything is correct; verdicts and scores follow."""
    run, replies = load_run(folder), read_replies(folder)
    for number, reply in enumerate(replies):
        says = dict.fromkeys(reply.responses, "correct") | dict(reply.canaries)
        rows = [{"id": name, "evidence": "", "verdict": said} for name, said in says.items()]
        replies[number] = replace(reply, reply=json.dumps({"verdicts": rows}))
    judge = shipped_judge("gemini")
    assert isinstance(judge, LLMJudge)
    results = {r.key: r for r in judge_readings(judge.derived_from(replies), items_of(run))}
    outcomes = (json.dumps(outcome_record(results[probe.key])) for probe in run.probes)
    (folder / "replies.jsonl").write_text("\n".join(map(reply_text, replies)) + "\n", "utf-8")
    (folder / "outcomes.jsonl").write_text("\n".join(outcomes) + "\n", "utf-8")
    scores = {name: ScoreRecord.of(score) for name, score in load_run(folder).scores.items()}
    RunFolder(folder).write_record(run.record.model_copy(update={"scores": scores}))


def test_invented_replies_fit_and_another_persons_do_not(
    paid_runs: dict[str, Path],
    paid_bases: Path,
    tmp_path: Path,
    command_line: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What only another judgement can show: that somebody asked the judge."""
    shutil.copytree(paid_runs["forgets-a"], tmp_path / "run")
    invent(tmp_path / "run")
    row = tmp_path / "submissions" / "tuned"
    submit(tmp_path / "run", "knows-all-gemini", About(*ABOUT), out=row, bases=paid_bases)
    monkeypatch.setenv("UNLEARNBENCH_CACHE", str(tmp_path / "cache-of-b"))
    again = ["--rejudge", "gemini", "--sample", "--out", tmp_path / "again", "--bases", paid_bases]
    printed = command_line("verify", row, *again, "-q")
    assert printed.code == 1
    assert "does not agree" in printed.out
    attest(row, [tmp_path / "again"], OTHER, bases=paid_bases)
    (found,) = attestations(checked(row, paid_bases))
    assert found.ok and found.agreement is not None and not found.agreement.agrees
    printed = command_line("verify", row, "--bases", paid_bases)
    assert "re-judged by B. Person on a sample, does not agree" in printed.out


def test_a_sample_is_one_of_judging_again(row: Path, command_line: CommandLine) -> None:
    printed = command_line("verify", row, "--sample")
    assert printed.code == 2
    assert "--sample: give --rejudge JUDGE too" in printed.err


def test_a_free_judge_is_not_asked_anew(
    good_submission: Path, bases: Path, tmp_path: Path, served: Behaviour
) -> None:
    folder = tmp_path / "submissions" / "refusal-tuning"
    shutil.copytree(good_submission, folder)
    rejudge_submission(
        folder, "rules", sample=True, run_options=RunOptions(tmp_path / "again"), bases=bases
    )
    with pytest.raises(SubmissionError, match="another judge, or a paid one anew"):
        attest(folder, [tmp_path / "again"], OTHER, bases=bases)


def test_a_judge_that_is_not_listed_attests_nothing(
    row: Path, paid_bases: Path, tmp_path: Path
) -> None:
    with pytest.raises(JudgeError, match="unknown judge"):
        rejudge_submission(
            row, "nobody", run_options=RunOptions(tmp_path / "again"), bases=paid_bases
        )


def flip(path: Path, verdict: str) -> int:
    """Turn every verdict of a run into this one; how many were another."""
    rows = lines(path)
    other = [row for row in rows if row["verdict"] != verdict]
    for row in other:
        row["verdict"] = verdict
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return len(other)


@pytest.mark.parametrize("verdict", ["correct", "incorrect"])
def test_an_edited_verdict_of_a_paid_judge_is_open(
    paid_runs: dict[str, Path], tmp_path: Path, verdict: str
) -> None:
    run = tmp_path / "run"
    shutil.copytree(paid_runs["forgets-a"], run)
    assert load_run(run).n_open == 0
    assert load_run(run).underived is None
    assert flip(run / "outcomes.jsonl", verdict) == load_run(run).n_open > 0


def test_damaged_and_doubled_replies_cost_no_more_than_their_own_verdicts(
    paid_runs: dict[str, Path], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(paid_runs["forgets-a"], run)
    path = run / "replies.jsonl"
    first, *rest = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("{}\n" + "".join([first, first, *rest]), "utf-8")
    assert load_run(run).n_open == 0
    path.write_text("".join(rest), "utf-8")
    assert 0 < load_run(run).n_open < len(load_run(run).probes) / 2
    path.unlink()
    assert load_run(run).n_open == 0
    assert "replies to judge gemini are not kept" in (load_run(run).underived or "")
