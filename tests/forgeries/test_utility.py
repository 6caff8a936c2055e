"""Forged measurements of utility are refused for their reason, or bar their row."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ABOUT
from tests.forgeries.forgery import Forgery, seal
from tests.forgeries.utility import FORGERIES, HUGE, KNOWS, of_base
from tests.made_utility import Made, record
from unlearnbench.api import submissions
from unlearnbench.api.attestations import attest
from unlearnbench.runs.stored import load_finished
from unlearnbench.runs.utility import write_utility
from unlearnbench.submissions.attestations import check_attestation
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


def first_version(folder: Path) -> None:
    """A measurement of a version that did not say how it was asked."""
    path = folder / "utility.json"
    claim = json.loads(path.read_text())
    del claim["settings"]
    path.write_text(json.dumps({**claim, "schema_version": 1}))


def thinking(folder: Path) -> None:
    path = folder / "utility.json"
    claim = json.loads(path.read_text())
    claim["settings"]["thinking"] = True
    path.write_text(json.dumps(claim))


@pytest.mark.parametrize(
    ("change", "words"),
    [(first_version, "does not say how"), (thinking, "its thinking is None, not True")],
)
def test_a_row_that_was_asked_otherwise_than_its_base_is_not_ranked(
    change: Callable[[Path], None], words: str, good: Path, accepted: Bases, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(good, folder)
    change(folder)
    found = checked(folder, accepted)
    assert found.ok and found.checked is not None
    assert [(d.code, d.bars) for d in found.checked.doubts] == [("utility-ways", True)]
    assert words in found.checked.doubts[0].what


def test_a_base_that_does_not_say_how_it_was_asked_is_a_doubt_that_bars_nobody(
    good: Path, accepted: Bases, tmp_path: Path
) -> None:
    (folder,) = accepted.folders
    shutil.copytree(folder, tmp_path / "bases" / folder.name)
    first_version(tmp_path / "bases" / folder.name)
    seal(tmp_path / "bases" / folder.name)
    row = tmp_path / "mine"
    shutil.copytree(good, row)
    found = checked(row, submissions.accepted_bases(tmp_path / "bases"))
    assert found.ok and found.checked is not None
    assert [(d.code, d.bars) for d in found.checked.doubts] == [("utility-ways", False)]


def nudged(folder: Path) -> None:
    """Every number moved a little, so that only answers are those of the other row."""
    path = folder / "utility.json"
    record = json.loads(path.read_text())
    for part in ("letters", "choices", "prose"):
        rows = record["model"][part]
        record["model"][part] = {key: [v - 0.001 for v in row] for key, row in rows.items()}
    path.write_text(json.dumps(record))


def signs(folder: Path) -> None:
    """Numbers and answers moved a little."""
    nudged(folder)
    path = folder / "utility.json"
    record = json.loads(path.read_text())
    for answer in record["model"]["answers"].values():
        answer["text"] = f"**{answer['text'].upper()}**"
    path.write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("made", "change", "is_copy"),
    [
        (OWN, None, True),
        (OWN, nudged, True),
        (OWN, signs, True),
        (Made("another", loss=4.5), None, False),
        (KNOWS, nudged, False),
    ],
    ids=["all of it", "other numbers", "other signs", "its own", "answers of the base"],
)
def test_the_utility_of_another_checkpoint_is_a_copy(
    made: Made,
    change: Callable[[Path], None] | None,
    is_copy: bool,
    good: Path,
    accepted: Bases,
    scripted_runs: dict[str, Path],
    tmp_path: Path,
) -> None:
    run = measured(scripted_runs["forgets-b"], made, tmp_path)
    if change is not None:
        change(run)
    about = About("Another", "other", "A. Second")
    row = submissions.submit(
        run, "knows-all-wkf", about, out=tmp_path / "theirs", bases=accepted.folder
    )
    first, second = submissions.verify([good, row], bases=accepted.folder)
    assert first.ok
    reasons = [reason for reason in second.reasons if reason.code == "copy"]
    assert [reason.where for reason in reasons] == (["utility.json"] if is_copy else [])


def test_another_s_attestation_measures_utility_again(
    good: Path, accepted: Bases, scripted_runs: dict[str, Path], tmp_path: Path
) -> None:
    row = tmp_path / "submissions" / "mine"
    shutil.copytree(good, row)
    found = []
    for name, made in (("same", OWN), ("other", Made("worse", choices=0.3, answers=0.5))):
        (tmp_path / name).mkdir()
        run = measured(scripted_runs["forgets-a"], made, tmp_path / name)
        found.append(
            attest(row, [run], f"B. {name}", out=tmp_path / "at" / name, bases=accepted.folder)
        )
    bare = scripted_runs["forgets-a"]
    found.append(
        attest(row, [bare], "B. bare", out=tmp_path / "at" / "bare", bases=accepted.folder)
    )
    same, other, without = (one.agreement for one in found)
    assert same is not None and same.agrees and same.utility is not None and same.utility.agrees
    assert other is not None and not other.agrees and other.utility is not None
    assert {"choice.letters", "answers.degenerate"} <= {*other.utility.differ}
    assert without is not None and without.agrees and without.utility is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda claim: claim.update(fingerprint="0" * 64), "the run is of"),
        (lambda claim: claim["settings"].update(prompt_format="raw"), "asked with raw prompts"),
        (lambda claim: claim["letters"].popitem(), "missing"),
        (lambda claim: claim.update(created="2099-01-01T00:00:00+00:00"), "measured after"),
    ],
)
def test_an_attested_utility_is_checked_as_a_row_s_is(
    change: Callable[[dict[str, Any]], object],
    words: str,
    good: Path,
    accepted: Bases,
    scripted_runs: dict[str, Path],
    tmp_path: Path,
) -> None:
    run = measured(scripted_runs["forgets-a"], OWN, tmp_path)
    made = attest(good, [run], "B. Person", out=tmp_path / "at", bases=accepted.folder)
    path = made.folder / "utility.json"
    claim = json.loads(path.read_text())
    change(claim)
    path.write_text(json.dumps(claim))
    seal(made.folder)
    row = checked(good, accepted).checked
    assert row is not None
    again = check_attestation(made.folder, row, submissions.listed_judges())
    assert words in str(again.reasons[0])


def test_an_attester_of_a_row_without_utility_sends_none(
    accepted: Bases, scripted_runs: dict[str, Path], tmp_path: Path
) -> None:
    run, about = scripted_runs["forgets-a"], About(*ABOUT)
    row = submissions.submit(
        run, "knows-all-wkf", about, out=tmp_path / "bare", bases=accepted.folder
    )
    again = measured(run, OWN, tmp_path)
    made = attest(row, [again], "B. Person", out=tmp_path / "at", bases=accepted.folder)
    assert made.ok and not (made.folder / "utility.json").exists()
