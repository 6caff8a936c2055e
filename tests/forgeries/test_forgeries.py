"""Every forgery is refused for its reason, fast, and leaves nothing behind."""

from __future__ import annotations

import os
import resource
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.forgeries import contents, copied, folders, names, shown
from tests.forgeries.folders import UNSEALED
from tests.forgeries.forgery import Forgery, seal
from unlearnbench.api import submissions
from unlearnbench.submissions.bases import Bases
from unlearnbench.submissions.untrusted import Refusal

FORGERIES = [*contents.FORGERIES, *names.FORGERIES, *shown.FORGERIES, *folders.FORGERIES]
Refusals = Callable[[Path], list[Refusal]]


@pytest.fixture
def refusals(bases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refusals:
    """Verify a folder beside no others; the base is checked once for all tests."""
    if bases not in KNOWN:
        KNOWN[bases] = submissions.accepted_bases(bases)
    monkeypatch.setattr(submissions, "accepted_bases", lambda folder: KNOWN[bases])
    board = tmp_path / "board"
    board.mkdir()

    def reasons(folder: Path) -> list[Refusal]:
        (verification,) = submissions.verify([folder], bases=bases, against=board)
        return list(verification.reasons)

    return reasons


KNOWN: dict[Path, Bases] = {}
"""Folder of bases -> the bases, checked once."""


def copy_of(good: Path, folder: Path) -> Path:
    """A copy that may be changed."""
    shutil.copytree(good, folder)
    return folder


def by_name(forgeries: Iterable[Forgery]) -> dict[str, Forgery]:
    return {forgery.name: forgery for forgery in forgeries}


@pytest.mark.parametrize("name", by_name(FORGERIES))
def test_a_forgery_is_refused(
    name: str,
    good_submission: Path,
    refusals: Refusals,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forgery = by_name(FORGERIES)[name]
    plant(tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    folder = copy_of(good_submission, tmp_path / "mine")
    forgery.change(folder)
    if name not in UNSEALED:
        seal(folder)
    outside = sorted(p.name for p in tmp_path.iterdir())
    began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reasons = refusals(folder)
    assert [reason.code for reason in reasons][:1] == [forgery.code], reasons
    assert forgery.words in str(reasons[0])
    assert len(str(reasons[0])) < 600
    assert time.process_time() - began < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500 * 1024
    assert sorted(p.name for p in tmp_path.iterdir()) == outside


def plant(here: Path) -> None:
    """A judge, a benchmark and modules of the forger's own, where the program runs."""
    for name in ("evil", "mine", "wkf", "rules"):
        (here / name).mkdir(parents=True)
        (here / name / "judge.toml").write_text('provider = "gemini"\ntitle = "t"\nmodel = "m"\n')
        (here / name / "prompt.md").write_text("All is incorrect.")
        (here / name / "benchmark.toml").write_text('id = "mine"\n')
    (here / "evil.py").write_text("raise SystemExit('imported')")


def test_names_are_different_and_there_are_many() -> None:
    counts = Counter(forgery.name for forgery in (*FORGERIES, *copied.FORGERIES))
    assert [name for name, n in counts.items() if n > 1] == []
    assert len(FORGERIES) + len(copied.FORGERIES) + len(folders.IDS) >= 150


def test_the_good_one_stands(good_submission: Path, refusals: Refusals, tmp_path: Path) -> None:
    """The same way to verify finds nothing in a copy that was not changed."""
    folder = copy_of(good_submission, tmp_path / "mine")
    seal(folder)
    assert refusals(folder) == []


def test_thoughts_have_room_of_their_own(
    good_submission: Path, refusals: Refusals, tmp_path: Path
) -> None:
    """An honest model that thinks writes more than an answer may have; but not without end."""
    for n_tokens, expected in ((800, []), (9000, ["tokens"])):
        folder = copy_of(good_submission, tmp_path / f"mine-{n_tokens}")
        copied.thoughtful("Who asks this? I had better not say.", n_tokens)(folder)
        seal(folder)
        assert [reason.code for reason in refusals(folder)] == expected


@pytest.mark.parametrize("name", by_name(copied.FORGERIES))
def test_a_copy_of_a_row_on_the_board(
    name: str, good_submission: Path, refusals: Refusals, tmp_path: Path
) -> None:
    """Whatever it says of its date: what is on the board was there before."""
    forgery = by_name(copied.FORGERIES)[name]
    original = copy_of(good_submission, tmp_path / "board" / "original")
    seal(original)
    folder = copy_of(good_submission, tmp_path / "mine")
    forgery.change(folder)
    seal(folder)
    reasons = refusals(folder)
    assert [(r.code, r.where) for r in reasons] == [("copy", "run/completions.jsonl")]
    assert forgery.words in reasons[0].what


@pytest.mark.parametrize("name", ["same row", "same row later", "other words"])
def test_what_is_no_copy(
    name: str, good_submission: Path, refusals: Refusals, tmp_path: Path
) -> None:
    """A checkpoint that its submitter sends again, and another's of which most answers differ."""
    copy_of(good_submission, tmp_path / "board" / "original")
    folder = copy_of(good_submission, tmp_path / "mine")
    if name == "same row later":
        copied.signed(1, name="Better")(folder)
        copied.signed(-2)(tmp_path / "board" / "original")
    elif name == "other words":
        copied.stolen(copied.until(2000))(folder)
    seal(folder)
    assert [reason for reason in refusals(folder) if reason.code == "copy"] == []


def test_the_later_of_two_that_are_sent_together(
    good_submission: Path, bases: Path, tmp_path: Path
) -> None:
    first, second = (copy_of(good_submission, tmp_path / name) for name in ("first", "second"))
    copied.signed(-3)(first)
    copied.signed(-2, **copied.OTHERS)(second)
    for folder in (first, second):
        seal(folder)
    (tmp_path / "board").mkdir()
    sent = submissions.verify([second, first], bases=bases, against=tmp_path / "board")
    assert [[reason.code for reason in one.reasons] for one in sent] == [["copy"], []]


@pytest.mark.parametrize("name", folders.IDS)
def test_a_folder_s_name_is_an_id(
    name: str, good_submission: Path, refusals: Refusals, tmp_path: Path
) -> None:
    folder = copy_of(good_submission, tmp_path / folders.IDS[name])
    (reason,) = refusals(folder)
    assert reason.code == "id"
    assert "a row's folder is named by" in reason.what


@pytest.mark.parametrize("target", ["good", "/etc", "nowhere"])
def test_a_link_is_no_submission(
    target: str, good_submission: Path, refusals: Refusals, tmp_path: Path
) -> None:
    (tmp_path / "mine").symlink_to(good_submission if target == "good" else target)
    (reason,) = refusals(tmp_path / "mine")
    assert reason.code in ("not-a-folder", "missing")


def test_a_device_is_no_file(good_submission: Path, refusals: Refusals, tmp_path: Path) -> None:
    folder = copy_of(good_submission, tmp_path / "mine")
    answers = folder / "run" / "completions.jsonl"
    answers.unlink()
    try:
        os.mknod(answers, 0o20644, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root makes devices")
    (reason,) = refusals(folder)
    assert reason.code == "not-a-file"
