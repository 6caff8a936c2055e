"""The base is not the submitter's to choose, and what is accepted as one has to stand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ABOUT
from tests.forgeries.changes import Change, put
from tests.forgeries.forgery import seal
from tests.forgeries.names import trained_by
from unlearnbench.api.submissions import build_leaderboard, submit, submit_base, verify
from unlearnbench.errors import SubmissionError
from unlearnbench.types.options import About


def empty(folder: Path) -> Path:
    """A board without rows."""
    board = folder / "none"
    board.mkdir(exist_ok=True)
    return board


def trained_from(fingerprint: str) -> Change:
    """Say that the checkpoint was trained from a model."""

    def apply(folder: Path) -> None:
        trained_by("jensun")(folder)
        put("run", "training", "base", "fingerprint", value=fingerprint)(folder)

    return apply


ROWS: dict[str, tuple[Change, str]] = {
    "unknown base": (put("base", value="a" * 64), "no accepted base run of aaaaaaaaaaaa… on wkf"),
    "trained from another base": (trained_from("a" * 64), "trained from aaaaaaaaaaaa…, compared"),
    "another judge": (
        put("run", "identity", "judge_identity", value="a" * 64),
        "no accepted base run of",
    ),
    "another judge that ships": (put("run", "identity", "judge", value="gemini"), "gemini has"),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_with_a_base_of_its_own(
    name: str, good_submission: Path, bases: Path, tmp_path: Path
) -> None:
    change, words = ROWS[name]
    folder = shutil.copytree(good_submission, tmp_path / "mine")
    change(folder)
    seal(folder)
    (found,) = verify([folder], bases=bases, against=empty(tmp_path))
    assert found.reasons[0].code in ("base", "judge")
    assert words in found.reasons[0].what


def test_a_row_that_is_its_own_base(
    good_submission: Path, scripted_runs: dict[str, Path], tmp_path: Path
) -> None:
    known = tmp_path / "bases"
    submit_base(scripted_runs["forgets-a"], "a package", "A. Tester", out=known / "same")
    folder = shutil.copytree(good_submission, tmp_path / "mine")
    checkpoint = json.loads((known / "same/base.json").read_text())["run"]["identity"]["checkpoint"]
    put("base", value=checkpoint)(folder)
    seal(folder)
    (found,) = verify([folder], bases=known, against=empty(tmp_path))
    assert [(r.code, r.what) for r in found.reasons] == [
        ("base", "the checkpoint is the base itself")
    ]


def test_a_base_that_knows_little_ranks_nobody(
    scripted_runs: dict[str, Path], tmp_path: Path
) -> None:
    """A checkpoint that forgot is accepted as a base; its child has nothing to forget."""
    known, rows = tmp_path / "bases", tmp_path / "rows"
    submit_base(scripted_runs["forgets-b"], "a package", "A. Tester", out=known / "empty")
    about = About(*ABOUT)
    submit(scripted_runs["forgets-a"], "empty", about, out=rows / "mine", bases=known)
    (division,) = build_leaderboard(tmp_path / "site", rows, None, known).board.divisions
    (row,) = division.rows
    facts = division.base_knowledge
    assert facts.known < 10 <= facts.asked
    expected = f"the base answers only {facts.known} of {facts.asked} forget facts"
    assert expected in row.outside
    assert row.rank is None


def base(*steps: str, value: Any) -> Callable[[Path], None]:
    """Set one field of base.json."""

    def apply(folder: Path) -> None:
        path = folder / "base.json"
        claim = place = json.loads(path.read_text("utf-8"))
        for step in steps[:-1]:
            place = place[step]
        place[steps[-1]] = value
        path.write_text(json.dumps(claim), "utf-8")

    return apply


def drop_line(folder: Path) -> None:
    path = folder / "run" / "outcomes.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))


WORST = ("run", "scores", "forget.worst_case")
BASES: dict[str, tuple[Callable[[Path], object], str]] = {
    "edited score": (base(*WORST, "value", value=0.5), "the verdicts give 1.0"),
    "dropped verdict": (drop_line, "1 are missing"),
    "in the future": (base("created", value="2099-01-01T00:00:00+00:00"), "in the future"),
    "replayed": (base("run", "identity", "engine", value="replay"), "makes no answers"),
    "own system prompt": (
        base("run", "settings", value={"system_prompt": "Be good."}),
        "not the protocol: system prompt",
    ),
    "hidden source": (base("source", value="hub\u202e"), "U+202E"),
    "extra field": (base("rank", value=1), "Extra inputs"),
    "script beside": (lambda f: (f / "run.py").write_text("1"), "no such file belongs"),
    "row beside": (lambda f: (f / "stress.json").write_text("{}"), "no such file belongs"),
}


@pytest.mark.parametrize("name", BASES)
def test_a_forged_base_is_refused_and_so_is_a_row_of_it(
    name: str, good_submission: Path, bases: Path, tmp_path: Path
) -> None:
    change, words = BASES[name]
    known = tmp_path / "bases"
    shutil.copytree(bases, known)
    change(known / "knows-all-wkf")
    seal(known / "knows-all-wkf")
    (proposed,) = verify([known / "knows-all-wkf"], bases=bases)
    assert words in str(proposed.reasons[0])
    try:
        (row,) = verify([good_submission], bases=known, against=empty(tmp_path))
    except SubmissionError as error:
        assert "accepted base" in str(error)
        assert words in str(error)
    else:
        assert [reason.code for reason in row.reasons] == ["base"]
        assert words in row.reasons[0].what or "no accepted base run" in row.reasons[0].what


def test_two_runs_of_one_base(good_submission: Path, bases: Path, tmp_path: Path) -> None:
    """Which of them counts would be somebody's choice."""
    known = tmp_path / "bases"
    shutil.copytree(bases, known)
    shutil.copytree(known / "knows-all-wkf", known / "another")
    (found,) = verify([good_submission], bases=known, against=empty(tmp_path))
    (reason,) = found.reasons
    assert reason.code == "base"
    assert reason.what == "another, knows-all-wkf are runs of the same base"
    (proposed,) = verify([known / "another"], bases=bases)
    (reason,) = proposed.reasons
    assert reason.what.startswith("knows-all-wkf is an accepted run of the same base; replace")


def test_a_base_is_no_row(bases: Path, tmp_path: Path) -> None:
    """A board's folder of submissions takes nothing but submissions."""
    rows = tmp_path / "rows"
    shutil.copytree(bases / "knows-all-wkf", rows / "mine")
    board = build_leaderboard(tmp_path / "site", rows, None, bases).board
    assert board.divisions == ()
    assert [row.id for row in board.refused] == ["mine"]
    (reason,) = board.refused[0].reasons
    assert reason.startswith("base.json: not-a-row: a run of a base model belongs among")
