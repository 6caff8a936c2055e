"""Forged measurements of utility are refused for their reason, or bar their row."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import ABOUT
from tests.forgeries.forgery import Forgery, seal
from tests.forgeries.utility import FORGERIES, HUGE, KNOWS, of_base
from tests.made_utility import Made, record
from unlearnbench.api import submissions
from unlearnbench.runs.stored import load_finished
from unlearnbench.runs.utility import write_utility
from unlearnbench.submissions.bases import Bases
from unlearnbench.submissions.untrusted import Refusal
from unlearnbench.submissions.verify import Verification, check_submission
from unlearnbench.types.options import About

OWN = Made("own", loss=4.5)
"""The row's utility: its prose has moved by nats from the base's."""


def measured(run: Path, made: Made, tmp: Path) -> Path:
    """A copy of a run with made-up utility beside it."""
    folder = tmp / run.name
    shutil.copytree(run, folder)
    fingerprint = load_finished(run).record.score_identity.checkpoint
    write_utility(record(made, fingerprint), folder / "utility.json")
    return folder


@pytest.fixture(scope="module")
def accepted(scripted_runs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Bases:
    """Accepted bases whose one base has its utility, checked once."""
    tmp = tmp_path_factory.mktemp("accepted")
    base = measured(scripted_runs["knows-all"], KNOWS, tmp)
    submissions.submit_base(base, "made up", "A. Tester", out=tmp / "bases" / "knows-all-wkf")
    return submissions.accepted_bases(tmp / "bases")


@pytest.fixture(scope="module")
def good(
    scripted_runs: dict[str, Path], accepted: Bases, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A row with its utility that stands."""
    tmp = tmp_path_factory.mktemp("good")
    run = measured(scripted_runs["forgets-a"], OWN, tmp)
    return submissions.submit(
        run, "knows-all-wkf", About(*ABOUT), out=tmp / "mine", bases=accepted.folder
    )


def checked(folder: Path, accepted: Bases, sealed: bool = True) -> Verification:
    """A folder's check, after its SHA256SUMS were made anew."""
    if sealed:
        seal(folder)
    return check_submission(folder, accepted)


@pytest.mark.parametrize("forgery", [*FORGERIES, *HUGE], ids=lambda f: f.name)
def test_a_forgery_is_refused(
    forgery: Forgery, good: Path, accepted: Bases, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(good, folder)
    forgery.change(folder)
    reasons: list[Refusal] = list(checked(folder, accepted, forgery not in HUGE).reasons)
    assert [reason.code for reason in reasons][:1] == [forgery.code], reasons
    assert forgery.words in str(reasons[0])
    assert len(str(reasons[0])) < 600


def test_the_good_one_stands(good: Path, accepted: Bases) -> None:
    found = checked(good, accepted)
    assert (found.reasons, found.checked and found.checked.doubts) == ([], ())


def test_answers_of_the_base_bar_a_row_that_has_moved(
    good: Path, accepted: Bases, tmp_path: Path
) -> None:
    """The metrics follow, the numbers are its own: but no such model writes as its base does."""
    folder = tmp_path / "mine"
    shutil.copytree(good, folder)
    of_base("answers")(folder)
    found = checked(folder, accepted)
    assert found.checked is not None
    assert [(d.code, d.bars) for d in found.checked.doubts] == [("utility-answers", True)]


def test_a_base_s_utility_is_checked_as_a_row_s_is(accepted: Bases, tmp_path: Path) -> None:
    (folder,) = accepted.folders
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    claim = json.loads((copy / "utility.json").read_text())
    claim["metrics"]["answers.degenerate"]["low"] = 0.5
    (copy / "utility.json").write_text(json.dumps(claim))
    assert [reason.code for reason in checked(copy, accepted).reasons] == ["utility"]
