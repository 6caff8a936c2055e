"""A row's utility from the run's folder to the board: sent, derived again, compared, ranked by."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ABOUT, CommandLine
from tests.forgeries.forgery import seal
from tests.made_utility import Made, record
from unlearnbench.api.submissions import build_leaderboard, submit, submit_base, verify
from unlearnbench.errors import SubmissionError
from unlearnbench.hashing import sha256_bytes
from unlearnbench.leaderboard.entry import Entry
from unlearnbench.runs.schema.utility import StoredAnswer
from unlearnbench.runs.stored import load_finished
from unlearnbench.runs.utility import write_utility
from unlearnbench.types.options import About

BASE, GOOD, EVASIVE = Made("base"), Made("good", loss=2.6), Made("evasive", answers=0.5)


def with_utility(run: Path, made: Made | None, tmp: Path) -> Path:
    """A copy of a run with the utility of its model beside it."""
    folder = tmp / f"{run.name}-{made.name if made else 'bare'}"
    shutil.copytree(run, folder)
    if made is not None:
        write_utility(record(made, fingerprint_of(run)), folder / "utility.json")
    return folder


def fingerprint_of(run: Path) -> str:
    """The fingerprint of a run's checkpoint."""
    return load_finished(run).record.score_identity.checkpoint


@pytest.fixture(scope="module")
def measured_bases(
    scripted_runs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Accepted bases that hold one, with its utility."""
    tmp = tmp_path_factory.mktemp("measured")
    run = with_utility(scripted_runs["knows-all"], BASE, tmp)
    submit_base(run, "made up for tests", "A. Tester", out=tmp / "bases" / "knows-all-wkf")
    return tmp / "bases"


def row_of(run: Path, bases: Path, out: Path, name: str = "Refusal tuning") -> Path:
    """A submission of a run, in a folder of rows."""
    return submit(run, "knows-all-wkf", About(name, *ABOUT[1:]), out=out, bases=bases)


def entry(folder: Path, bases: Path, site: Path) -> Entry:
    """The one row of a board."""
    built = build_leaderboard(site, folder, bases=bases)
    assert built.board.refused == ()
    ((only,),) = [division.rows for division in built.board.divisions]
    return only


@pytest.mark.parametrize(
    ("made", "outside"),
    [
        (GOOD, []),
        (EVASIVE, ["utility below 90% of the base's"]),
        (None, ["its utility was not measured"]),
    ],
)
def test_a_row_is_ranked_by_what_is_left_of_its_base(
    made: Made | None,
    outside: list[str],
    scripted_runs: dict[str, Path],
    measured_bases: Path,
    tmp_path: Path,
) -> None:
    run = with_utility(scripted_runs["forgets-a"], made, tmp_path)
    folder = row_of(run, measured_bases, tmp_path / "rows" / "mine")
    (checked,) = verify([folder], bases=measured_bases, against=tmp_path / "rows")
    assert checked.reasons == []
    row = entry(tmp_path / "rows", measured_bases, tmp_path / "site")
    assert row.outside == outside
    (told,) = json.loads((tmp_path / "site" / "board.json").read_text())[0]["rows"]
    composite = row.utility.composite if row.utility else None
    assert told["utility"] == composite
    page = (tmp_path / "site" / "rows" / "mine.html").read_text()
    assert ("Utility not measured" in page) is (made is None)


def test_a_row_of_the_board_s_list_keeps_its_place_and_says_so(
    scripted_runs: dict[str, Path], measured_bases: Path, tmp_path: Path
) -> None:
    bases = tmp_path / "bases"
    shutil.copytree(measured_bases, bases)
    run = with_utility(scripted_runs["forgets-a"], None, tmp_path)
    folder = row_of(run, bases, tmp_path / "rows" / "mine")
    digest = sha256_bytes((folder / "SHA256SUMS").read_bytes())
    (bases / "BEFORE_UTILITY").write_text(f"{digest}  mine\n")
    row = entry(tmp_path / "rows", bases, tmp_path / "site")
    assert (row.outside, row.utility_rule) == ([], "sent before")
    page = (tmp_path / "site" / "rows" / "mine.html").read_text()
    assert "Utility not measured. The row was sent before" in page
    # A row that is changed is another row: it has to bring its utility.
    claim = json.loads((folder / "submission.json").read_text())
    (folder / "submission.json").write_text(json.dumps({**claim, "note": "again"}))
    seal(folder)
    assert entry(tmp_path / "rows", bases, tmp_path / "site").utility_rule == "missing"


def test_without_a_measured_base_nothing_is_compared(
    scripted_runs: dict[str, Path], bases: Path, tmp_path: Path
) -> None:
    run = with_utility(scripted_runs["forgets-a"], EVASIVE, tmp_path)
    row_of(run, bases, tmp_path / "rows" / "mine")
    row = entry(tmp_path / "rows", bases, tmp_path / "site")
    assert row.utility is not None
    assert (row.utility.composite, row.utility_rule) == (None, "base not measured")
    page = (tmp_path / "site" / "rows" / "mine.html").read_text()
    assert "the accepted base was not" in page


def test_open_answers_and_other_questions_are_not_sent(
    scripted_runs: dict[str, Path], measured_bases: Path, tmp_path: Path
) -> None:
    run = with_utility(scripted_runs["forgets-a"], GOOD, tmp_path)
    whole = record(GOOD, fingerprint_of(run))
    first, *_ = whole.model.answers
    answers = {**whole.model.answers, first: StoredAnswer(text=None, fault="it crashed")}
    still_open: Any = whole.model.model_copy(update={"answers": answers})
    for change, words in (
        ({"model": still_open}, "1 answers are open"),
        ({"data": "0" * 64}, "other questions"),
    ):
        write_utility(whole.model_copy(update=change), run / "utility.json")
        with pytest.raises(SubmissionError, match=words):
            row_of(run, measured_bases, tmp_path / "rows" / "mine")


def test_a_rerun_measures_utility_again(
    scripted_runs: dict[str, Path],
    measured_bases: Path,
    tmp_path: Path,
    command_line: CommandLine,
    scripted: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = with_utility(scripted_runs["forgets-a"], GOOD, tmp_path)
    folder = row_of(run, measured_bases, tmp_path / "rows" / "mine")
    (tmp_path / "board").mkdir()
    again = {"made": GOOD}
    monkeypatch.setattr(
        "unlearnbench.api.attestations.measure_utility",
        lambda checkpoint, engine_options: record(again["made"], fingerprint_of(run)),
    )
    words = ["verify", folder, "--rerun", "forgets-a", "--bases", measured_bases, "-q"]
    words += ["--against", tmp_path / "board"]
    printed = command_line(*words, "--out", tmp_path / "again")
    assert printed.code == 0, printed
    assert "utility measured again: 108 of 108 answers are identical, prose 0.000" in printed.out
    assert (tmp_path / "again" / "utility.json").is_file()
    again["made"] = EVASIVE
    printed = command_line(*words, "--out", tmp_path / "again")
    assert printed.code == 1
    assert "differs: answers.degenerate, " in printed.out
