"""Rows and attestations that would lift themselves, or lower somebody else's row."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.forgeries.changes import ANSWERS, CLAIM, VERDICTS, Change, claim, put
from tests.forgeries.copied import OTHERS, signed
from tests.forgeries.forgery import seal
from unlearnbench.api.submissions import build_leaderboard, verify
from unlearnbench.benchmark import load_benchmark
from unlearnbench.leaderboard.entry import Entry
from unlearnbench.protocol.plan import make_plan
from unlearnbench.protocol.profiles import PROFILES

Run = dict[str, Any]
TEMPLATE = put("run", "surroundings", "template", value="e" * 64)
PROMPTS = put("run", "identity", "prompts", value="e" * 64)


def rows_of(rows: Path, bases: Path) -> dict[str, Entry]:
    """The rows of a board by id."""
    board = build_leaderboard(rows.parent / "site", rows, None, bases).board
    return {row.id: row for division in board.divisions for row in division.rows}


def rerun_of(row: Path, change: Callable[[Run], object]) -> None:
    """Attest by another name that the row was run again, with the very same answers."""
    folder = row.parents[1] / "attestations" / row.name / "again"
    (folder / "run").mkdir(parents=True)
    found = json.loads((row / CLAIM).read_text("utf-8"))
    change(found["run"])
    said = {
        "schema_version": 1,
        "row": hashlib.sha256((row / "SHA256SUMS").read_bytes()).hexdigest(),
        "kind": "re-run",
        "by": "B. Other",
        "link": "",
        "created": found["created"],
        "run": found["run"],
    }
    (folder / "attestation.json").write_text(json.dumps(said), "utf-8")
    for name in (ANSWERS, VERDICTS):
        shutil.copy(row / name, folder / name)
    seal(folder)


def raw_prompts(found: Run) -> None:
    """Ask without a template, where the base was asked with one."""
    plan = make_plan(load_benchmark("wkf"), PROFILES["standard"], "raw", 0)
    found["run"]["identity"].update(prompt_format="raw", plan=plan.fingerprint, prompts="e" * 64)


def same(run: Run) -> None:
    """Claim what the row claims."""


def weights(run: Run) -> None:
    """Other weights under one fingerprint."""
    run["surroundings"].update(weights="0" * 64)


LIFTED: dict[str, tuple[Change, Callable[[Run], object], str]] = {
    "raw prompts again": (claim(raw_prompts), same, "asked with raw prompts"),
    "other prompts again": (PROMPTS, same, "are not those its base was asked"),
    "prompts that nobody records": (
        put("run", "identity", "prompts", value=None),
        same,
        "are not recorded",
    ),
    "other weights": (PROMPTS, weights, "are not those its base was asked"),
    "the row's template": (TEMPLATE, same, "not the base's: chat template"),
}


@pytest.mark.parametrize("name", LIFTED)
def test_a_rerun_that_was_not_asked_as_the_base_lifts_no_doubt(
    name: str, good_submission: Path, bases: Path, tmp_path: Path
) -> None:
    change, again, doubt = LIFTED[name]
    row = shutil.copytree(good_submission, tmp_path / "board" / "rows" / "mine")
    change(row)
    seal(row)
    rerun_of(row, again)
    entry = rows_of(row.parent, bases)["mine"]
    assert [one.reasons for one in entry.attestations] == [[]]
    assert entry.rank is None
    assert doubt in entry.outside[0]


def test_a_rerun_with_the_files_of_the_base_lifts_the_doubts(
    good_submission: Path, bases: Path, tmp_path: Path
) -> None:
    """It asks other token ids than the row did, which is what it is for."""
    honest = json.loads((good_submission / CLAIM).read_text("utf-8"))["run"]
    row = shutil.copytree(good_submission, tmp_path / "board" / "rows" / "mine")
    TEMPLATE(row)
    PROMPTS(row)
    seal(row)
    rerun_of(row, lambda run: run.update(honest))
    entry = rows_of(row.parent, bases)["mine"]
    assert entry.levels == ["logged", "re-run"]
    assert entry.disputed == []
    assert entry.rank == (1, 1)


def test_a_refused_row_of_an_earlier_date_makes_no_copy_of_another(
    good_submission: Path, bases: Path, tmp_path: Path
) -> None:
    rows = tmp_path / "board" / "rows"
    shutil.copytree(good_submission, rows / "honest")
    thief = shutil.copytree(good_submission, rows / "thief")
    signed(-30, **OTHERS)(thief)
    put("run", "scores", "forget.worst_case", "value", value=0.0)(thief)
    seal(thief)
    found = rows_of(rows, bases)
    assert found["honest"].rank == (1, 1)
    assert found["thief"].trust == "claimed"


SENDERS = {
    "somebody else": ("B. Other", ["id", "copy"]),
    "the submitter": ("A. Person", []),
    "the submitter in other letters": ("a. person", []),
}


@pytest.mark.parametrize("name", SENDERS)
def test_who_may_replace_a_row(
    name: str, good_submission: Path, bases: Path, tmp_path: Path
) -> None:
    submitter, codes = SENDERS[name]
    shutil.copytree(good_submission, tmp_path / "board" / "rows" / "mine")
    folder = shutil.copytree(good_submission, tmp_path / "sent" / "mine")
    put("submitter", value=submitter)(folder)
    seal(folder)
    (found,) = verify([folder], bases=bases, against=tmp_path / "board" / "rows")
    assert [reason.code for reason in found.reasons] == codes
