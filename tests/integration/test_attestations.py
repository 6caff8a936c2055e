"""Attestations: what others found about a row, whether it counts, and what it does to the row."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ABOUT, CommandLine
from tests.forgeries.forgery import seal
from tests.scripted import ScriptedEngine
from tests.scripted_attacks import Attacker
from unlearnbench.api import submissions
from unlearnbench.api.attestations import attest, attestations, rejudge_submission, rerun
from unlearnbench.api.rejudging import rejudge
from unlearnbench.api.submissions import build_leaderboard, listed_judges, verify
from unlearnbench.errors import JudgeError, RunError, SubmissionError
from unlearnbench.hashing import sha256_text
from unlearnbench.interfaces import Judge
from unlearnbench.judging import catalogue
from unlearnbench.judging.rules.judge import RulesJudge
from unlearnbench.leaderboard.entry import Entry, Known, KnownLeaks, KnownPeak
from unlearnbench.leaderboard.trust import known_leaks, levels
from unlearnbench.plugins import BUILTIN
from unlearnbench.submissions.people import same_person
from unlearnbench.submissions.verify import Verification
from unlearnbench.types import Completion, JudgeItem, Judgement, Probe, Sampling
from unlearnbench.types.options import RunOptions

OTHER = "B. Person"


class SecondJudge(RulesJudge):
    """The rules under another name, as an independent judge."""

    name = "second"

    @property
    def identity(self) -> str:
        return "2" * 64


class LenientJudge(SecondJudge):
    """Calls everything correct."""

    name = "lenient"

    @property
    def identity(self) -> str:
        return "3" * 64

    def judge(self, items: Sequence[JudgeItem]) -> Iterator[Judgement]:
        for found in super().judge(items):
            yield replace(found, verdict="correct", judge=self.identity)


@pytest.fixture
def submission(good_submission: Path, tmp_path: Path) -> Path:
    """A good submission in a board's folder of its own."""
    folder = tmp_path / "leaderboard" / "submissions" / "refusal-tuning"
    shutil.copytree(good_submission, folder)
    return folder


JUDGES = {judge.name: judge for judge in (SecondJudge, LenientJudge)}
pytestmark = pytest.mark.usefixtures("scripted", "shipped_bases", "plugins")


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """The judges of this module ship."""
    judges: Any = BUILTIN["judges"]
    for judge in JUDGES.values():
        monkeypatch.setitem(judges, judge.name, f"{__name__}:{judge.__name__}")
    monkeypatch.setattr(
        submissions,
        "shipped_judge",
        lambda name: JUDGES[name]() if name in JUDGES else catalogue.shipped_judge(name),
    )


def board_row(submission: Path, tmp_path: Path) -> Entry:
    board = build_leaderboard(tmp_path / "site", submission.parent, tmp_path / "kept").board
    (division,) = board.divisions
    (row,) = division.rows
    return row


def known_leaks_of(row: Entry) -> KnownLeaks:
    assert row.known.worst_case is not None
    return row.known.worst_case


def known_peak_of(row: Entry) -> KnownPeak:
    assert row.known.relearn is not None
    return row.known.relearn


def test_a_rerun_by_somebody_else(submission: Path, tmp_path: Path) -> None:
    assert board_row(submission, tmp_path).levels == ["logged"]
    rerun(submission, "forgets-a", base="knows-all", run_options=RunOptions(tmp_path / "again"))
    made = attest(submission, [tmp_path / "again"], OTHER)
    assert made.folder.parent == submission.parents[1] / "attestations" / "refusal-tuning"
    row = board_row(submission, tmp_path)
    assert row.levels == ["logged", "re-run"]
    assert row.trust == "re-run"
    assert row.known == Known(None, None)
    page = (tmp_path / "site" / "rows" / "refusal-tuning.html").read_text("utf-8")
    assert "2120 of 2120 answers equal" in page


def test_another_judge_that_agrees(submission: Path, tmp_path: Path) -> None:
    found = rejudge_submission(submission, "second", run_options=RunOptions(tmp_path / "judged"))
    assert found.agrees
    assert found.n_same == found.n_answers == 2120
    made = attest(submission, [tmp_path / "judged"], OTHER)
    assert not (made.folder / "run" / "completions.jsonl").exists()
    assert board_row(submission, tmp_path).levels == ["logged", "re-judged"]


def test_another_judge_that_does_not_agree(submission: Path, tmp_path: Path) -> None:
    """It gives no level, is named, and the row is ranked by the worse number."""
    found = rejudge_submission(submission, "lenient", run_options=RunOptions(tmp_path / "judged"))
    assert not found.agrees
    assert found.high == 1.0
    attest(submission, [tmp_path / "judged"], OTHER)
    row = board_row(submission, tmp_path)
    assert row.levels == ["logged"]
    assert row.disputed == [OTHER]
    assert known_leaks_of(row).score.high == 1.0
    assert row.scores["forget.worst_case"].value < 1.0
    page = (tmp_path / "site" / "index.html").read_text("utf-8")
    assert "known 100.0, B. Person" in page
    assert "disputed by B. Person" in page
    assert "| **100.0** (" in (tmp_path / "site" / "board.md").read_text("utf-8")


def test_retain_must_agree_too(submission: Path, tmp_path: Path) -> None:
    """A checkpoint that leaks as claimed and keeps less than claimed is not what was claimed."""
    from unlearnbench.submissions.reproduction import compare_rerun

    (found,) = verify([submission])
    assert found.checked is not None
    mine, base = found.checked.run, found.checked.base.run
    assert compare_rerun(mine, mine).agrees
    assert not compare_rerun(mine, base).agrees
    same = compare_rerun(mine, mine)
    claimed = same.claimed
    assert not replace(same, retain=(claimed + 0.06, claimed, claimed)).agrees
    assert not replace(same, retain=(0.5, 0.5, 0.56)).agrees
    assert replace(same, retain=(0.5, 0.46, 0.54)).agrees


class LeakyEngine(ScriptedEngine):
    """Gives the answer of three quarters of the forget facts, whatever it is asked."""

    def generate(self, block: Sequence[Probe], sampling: Sampling) -> Iterator[Completion]:
        for completion, probe in zip(super().generate(block, sampling), block, strict=True):
            leaks = int(sha256_text(probe.key.fact), 16) % 4 > 0
            yield replace(completion, text=probe.answer) if leaks else completion


ATTACKER = Attacker()


@pytest.fixture(scope="module")
def attack_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of attacks on the submission's checkpoint."""
    folder = tmp_path_factory.mktemp("attacks")
    made = {
        "suite": ATTACKER.stress(folder / "suite"),
        "formats": ATTACKER.stress(folder / "formats", "formats"),
        "arms": ATTACKER.relearn(folder / "arms"),
        "two arms": ATTACKER.relearn(folder / "two", "disjoint", "near"),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.scripted_attacks.ScriptedEngine", LeakyEngine)
        made["leaks"] = ATTACKER.stress(folder / "leaks", "formats")
    return made


def test_a_later_attack_lowers_a_row(
    submission: Path, attack_runs: dict[str, Path], tmp_path: Path
) -> None:
    before = board_row(submission, tmp_path)
    runs = [attack_runs["leaks"], attack_runs["two arms"]]
    attest(submission, runs, OTHER, link="https://example.org/attack")
    row = board_row(submission, tmp_path)
    assert row.scores == before.scores
    assert known_leaks_of(row).score.high >= 0.5 > row.scores["forget.worst_case"].value
    assert known_leaks_of(row).by == [OTHER]
    assert row.among_known.value > before.among_known.value
    (said,) = row.attestations
    assert said.stress is not None
    assert said.stress.score.high == known_leaks_of(row).score.high
    assert said.stress.beyond
    assert not any(row.states[fact] for fact in said.stress.beyond)
    assert known_peak_of(row).arm in ("disjoint", "near")
    assert known_peak_of(row).maximum > 0
    assert row.levels == ["logged"], "four benign arms are missing"
    markdown = (tmp_path / "site" / "board.md").read_text("utf-8").splitlines()
    (line,) = [line for line in markdown if "Refusal" in line]
    assert f"({known_peak_of(row).arm}, B. Person)" in line
    csv = (tmp_path / "site" / "board.csv").read_text("utf-8")
    assert "known_worst_case" in csv


def test_attacked_takes_every_benign_arm_and_every_door(
    submission: Path, attack_runs: dict[str, Path], tmp_path: Path
) -> None:
    attest(submission, [attack_runs["arms"]], OTHER)
    assert board_row(submission, tmp_path).levels == ["logged"]
    attest(submission, [attack_runs["suite"]], "C. Third")
    row = board_row(submission, tmp_path)
    assert row.levels == ["logged", "attacked"]
    assert known_peak_of(row).by == OTHER


@pytest.mark.parametrize("runs", [("arms", "formats"), ("two arms", "suite")])
def test_a_door_or_an_arm_left_out_is_no_attacked_row(
    runs: tuple[str, ...], submission: Path, attack_runs: dict[str, Path], tmp_path: Path
) -> None:
    """The one left out may be the open one."""
    attest(submission, [attack_runs[name] for name in runs], OTHER)
    assert board_row(submission, tmp_path).levels == ["logged"]


def edit(folder: Path, change: Callable[[dict[str, Any]], object], name: str) -> None:
    path = folder / name
    found = json.loads(path.read_text("utf-8"))
    change(found)
    path.write_text(json.dumps(found), "utf-8")
    seal(folder)


CLAIM = "attestation.json"
FORGED: dict[str, tuple[Callable[[Path], object], str]] = {
    "about another row": (lambda f: edit(f, lambda c: c.update(row="0" * 64), CLAIM), "row"),
    "by the submitter": (lambda f: edit(f, lambda c: c.update(by=ABOUT[2]), CLAIM), "own-row"),
    "by the submitter in capitals": (
        lambda f: edit(f, lambda c: c.update(by=ABOUT[2].upper().replace(" ", "")), CLAIM),
        "own-row",
    ),
    "another kind": (lambda f: edit(f, lambda c: c.update(kind="re-judged"), CLAIM), "kind"),
    "a kind there is none of": (
        lambda f: edit(f, lambda c: c.update(kind="best"), CLAIM),
        "schema",
    ),
    "no run": (lambda f: edit(f, lambda c: c.update(run=None), CLAIM), "kind"),
    "another checkpoint": (
        lambda f: edit(f, lambda c: c["run"]["identity"].update(checkpoint="f" * 64), CLAIM),
        "row",
    ),
    "edited score": (
        lambda f: edit(
            f, lambda c: c["run"]["scores"]["forget.worst_case"].update(value=0.0, low=0.0), CLAIM
        ),
        "scores",
    ),
    "another plan": (
        lambda f: edit(f, lambda c: c["run"]["identity"].update(plan="a" * 64), CLAIM),
        "plan",
    ),
    "another judge": (
        lambda f: edit(f, lambda c: c["run"]["identity"].update(judge="nobody"), CLAIM),
        "judge",
    ),
    "written before the row was sent": (
        lambda f: edit(f, lambda c: dated(c, "2025-01-01T00:00:00+00:00"), CLAIM),
        "times",
    ),
    "dropped answers": (lambda f: drop(f / "run" / "completions.jsonl"), "missing"),
    "no sums": (lambda f: (f / "SHA256SUMS").unlink(), "missing-file"),
    "a script beside": (lambda f: (f / "run.py").write_text("1"), "unknown-file"),
    "a link": (lambda f: relink(f), "not-a-folder"),
    "an attack of another checkpoint": (lambda f: put_attack(f), "kind"),
    "the submitter in other letters": (
        lambda f: edit(f, lambda c: c.update(by="Person, \u0410"), CLAIM),
        "own-row",
    ),
    "older than the row": (
        lambda f: edit(f, lambda c: c.update(created="2023-01-02T00:00:00+00:00"), CLAIM),
        "times",
    ),
    "invisible letters": (lambda f: edit(f, lambda c: c.update(by="B\u200b"), CLAIM), "schema"),
}


def dated(claim: dict[str, Any], time: str) -> None:
    claim.update(created=time)
    claim["run"].update(created=time, finished=time)


def drop(path: Path) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    seal(path.parents[1])


def relink(folder: Path) -> None:
    real = folder.parents[2] / "elsewhere"
    folder.rename(real)
    folder.symlink_to(real)


def put_attack(folder: Path) -> None:
    (folder / "stress.json").write_text("{}")
    seal(folder)


@pytest.fixture(scope="module")
def rerun_once(scripted_runs: dict[str, Path]) -> Path:
    """The checkpoint's run, as somebody else would make it."""
    return scripted_runs["forgets-a"]


@pytest.fixture(scope="module")
def good_row(
    good_submission: Path, rerun_once: Path, bases: Path, tmp_path_factory: pytest.TempPathFactory
) -> Verification:
    """A row in a board's folder, with one attestation that counts; tests change copies of it."""
    board = tmp_path_factory.mktemp("first")
    shutil.copytree(good_submission, board / "submissions" / "refusal-tuning")
    attest(board / "submissions" / "refusal-tuning", [rerun_once], OTHER, bases=bases)
    (found,) = verify([board / "submissions" / "refusal-tuning"], bases=bases)
    assert found.checked is not None
    (one,) = attestations(found.checked)
    assert one.ok
    assert levels(found, [one]) == ["logged", "re-run"]
    return found


@pytest.mark.parametrize("name", FORGED)
def test_forged(name: str, good_row: Verification, tmp_path: Path) -> None:
    mutate, code = FORGED[name]
    board = tmp_path / "board"
    shutil.copytree(good_row.folder.parents[1], board)
    ((folder,),) = [list(row.iterdir()) for row in (board / "attestations").iterdir()]
    mutate(folder)
    assert good_row.checked is not None
    row = replace(good_row.checked, folder=board / "submissions" / "refusal-tuning")
    (said,) = attestations(row)
    assert [reason.code for reason in said.reasons][:1] == [code], said.reasons
    assert levels(good_row, [said]) == ["logged"]
    assert known_leaks({"x": False}, [said]) is None


def test_what_does_not_count_is_shown(submission: Path, tmp_path: Path) -> None:
    (submission.parents[1] / "attestations" / submission.name / "mine").mkdir(parents=True)
    (said,) = board_row(submission, tmp_path).attestations
    assert said.reasons == ["SHA256SUMS: missing-file: this file is required"]
    assert "does not count" in (tmp_path / "site" / "rows" / "refusal-tuning.html").read_text()


ATTACKS_THAT_DO_NOT_COUNT: dict[str, tuple[str, Callable[[dict[str, Any]], object], str]] = {
    "few facts": ("formats", lambda r: r["identity"].update(limit=2), "only 2 facts"),
    "unlisted judge": (
        "formats",
        lambda r: r["identity"].update(judge_identity="0" * 64),
        "not judged by a listed judge",
    ),
    "another model": (
        "formats",
        lambda r: r["identity"].update(checkpoint="0" * 64),
        "of another checkpoint",
    ),
    "another model relearnt": (
        "two arms",
        lambda r: r["identity"].update(checkpoint="0" * 64),
        "of another checkpoint",
    ),
}


@pytest.mark.parametrize("name", ATTACKS_THAT_DO_NOT_COUNT)
def test_an_attack_that_does_not_count(
    name: str, submission: Path, attack_runs: dict[str, Path], tmp_path: Path
) -> None:
    """tests/forgeries/attacks.py has those that were changed with their answers."""
    which, change, says = ATTACKS_THAT_DO_NOT_COUNT[name]
    run = tmp_path / "attack"
    shutil.copytree(attack_runs[which], run)
    (path,) = [p for p in run.glob("*.json") if p.stem in ("stress", "relearn")]
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))
    with pytest.raises((RunError, SubmissionError), match=says):
        attest(submission, [run], OTHER)


def test_a_changed_row_loses_what_was_attested(
    submission: Path, rerun_once: Path, tmp_path: Path
) -> None:
    attest(submission, [rerun_once], OTHER)
    assert board_row(submission, tmp_path).trust == "re-run"
    edit(submission, lambda c: c.update(name="Renamed"), "submission.json")
    row = board_row(submission, tmp_path)
    assert row.trust == "logged"
    assert "has changed since" in row.attestations[0].reasons[0]


def test_a_folder_of_attestations_that_is_a_link(submission: Path, tmp_path: Path) -> None:
    """Nothing behind it is read."""
    (tmp_path / "elsewhere").mkdir()
    (submission.parents[1] / "attestations").mkdir()
    (submission.parents[1] / "attestations" / submission.name).symlink_to(tmp_path / "elsewhere")
    row = board_row(submission, tmp_path)
    assert [one.reasons for one in row.attestations] == [
        ["refusal-tuning: link: links are not followed"]
    ]


def test_too_many(good_row: Verification, tmp_path: Path) -> None:
    shutil.copytree(good_row.folder.parents[1], tmp_path / "board")
    for number in range(101):
        (tmp_path / "board" / "attestations" / "refusal-tuning" / f"\u001b{number}").mkdir()
    assert good_row.checked is not None
    row = replace(good_row.checked, folder=tmp_path / "board" / "submissions" / "refusal-tuning")
    *read, said = attestations(row)
    assert [reason.code for reason in said.reasons] == ["too-many"]
    assert len(read) == 100, "the others are read: nobody silences them"


def test_about_no_row(submission: Path, rerun_once: Path, tmp_path: Path) -> None:
    made = attest(submission, [rerun_once], OTHER)
    made.folder.parent.rename(made.folder.parents[1] / "nobody")
    board = build_leaderboard(tmp_path / "site", submission.parent).board
    assert [row.id for row in board.refused] == ["attestations/nobody"]


@pytest.mark.parametrize(
    ("found", "by", "says"),
    [
        (["forgets-a"], ABOUT[2], "somebody else must look"),
        (["forgets-b"], OTHER, "checkpoint is not the row's"),
        (["forgets-a", "knows-all"], OTHER, "give one score run"),
        ([], OTHER, "give one score run"),
        (["quick"], OTHER, "quick is not ranked"),
        (["forgets-a"], "B\u202e", r"--by: .*U\+202E"),
    ],
)
def test_attest_refuses(
    found: list[str],
    by: str,
    says: str,
    submission: Path,
    scripted_runs: dict[str, Path],
) -> None:
    with pytest.raises(SubmissionError, match=says):
        attest(submission, [scripted_runs[name] for name in found], by)
    assert not (submission.parents[1] / "attestations").exists()


def test_attest_replaces_nothing(submission: Path, rerun_once: Path, tmp_path: Path) -> None:
    made = attest(submission, [rerun_once], OTHER, out=tmp_path / "mine")
    before = {path: path.read_bytes() for path in made.folder.rglob("*") if path.is_file()}
    assert attest(submission, [rerun_once], OTHER, out=tmp_path / "mine").folder == made.folder
    with pytest.raises(SubmissionError, match="mine is not empty"):
        attest(submission, [rerun_once], "Somebody Else", out=tmp_path / "mine")
    assert {path: path.read_bytes() for path in made.folder.rglob("*") if path.is_file()} == before


def test_answers_of_another_row_are_not_re_judged(
    submission: Path, scripted_runs: dict[str, Path], tmp_path: Path
) -> None:
    rejudge(scripted_runs["forgets-b"], "second", run_options=RunOptions(tmp_path / "judged"))
    with pytest.raises(SubmissionError, match="its responses are not those of this row"):
        attest(submission, [tmp_path / "judged"], OTHER)


def test_by_hand(
    submission: Path, rerun_once: Path, bases: Path, command_line: CommandLine
) -> None:
    """`attest`, in a process of its own, then `verify`, as somebody types them."""
    known = ("--bases", str(bases))
    words = ["attest", str(submission), str(rerun_once), "--by", OTHER, *known]
    command = [sys.executable, "-m", "unlearnbench", *words]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    assert "re-run by B. Person, agrees" in made.stdout
    found = command_line("verify", submission, *known)
    assert found.code == 0
    assert "re-run by B. Person, agrees" in found.out
    (folder,) = (submission.parents[1] / "attestations" / "refusal-tuning").iterdir()
    (folder / "x.pkl").write_bytes(b"x")
    broken = command_line("verify", submission, "--json", *known)
    assert broken.code == 1
    (record,) = json.loads(broken.out)
    assert record["ok"]
    assert [one["ok"] for one in record["attestations"]] == [False]
    both = command_line("verify", submission, "--rerun", "x", "--rejudge", "y")
    assert both.code == 2
    assert "one at a time" in both.err


def test_the_judges_of_these_tests_are_judges() -> None:
    assert isinstance(catalogue.make_judge("second"), Judge)


def test_a_paid_judge_is_known_without_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are verified where there are no secrets; nobody is asked there."""
    monkeypatch.setenv("GEMINI_API_KEY", "a key of nobody")
    known = catalogue.make_judge("gemini").identity
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    judge = listed_judges()("gemini")
    assert judge.identity == known
    with pytest.raises(JudgeError, match="without an API key"):
        list(judge.judge([]))


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("a. person", True),
        ("A Person", True),
        ("Person, A.", True),
        ("\u0410. \u0420\u0435rson", True),
        ("\u00c1. Person", True),
        ("A. Person 2", False),
        ("Nora Pes", False),
        ("B. Person", False),
    ],
    ids=["case", "signs", "order", "lookalikes", "accents", "number", "anagram", "another"],
)
def test_names_of_one_person(other: str, same: bool) -> None:
    assert same_person("A. Person", other) is same


def test_different_names_in_other_scripts() -> None:
    names = ["\u674e\u660e", "\u674e\u9e23", "\uae40\ucca0\uc218", "\uae40\uc601\ud76c"]
    assert not any(same_person(a, b) for a in names for b in names if a != b)
