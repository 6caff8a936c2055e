"""One bad row never stops the board: whatever its check does becomes that row's refusal."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import psutil
import pytest

from tests.conftest import CommandLine
from tests.forgeries.changes import ANSWERS, put
from tests.forgeries.forgery import seal
from unlearnbench.api.submissions import accepted_bases
from unlearnbench.leaderboard.board import Board, read_board
from unlearnbench.leaderboard.site import build_site
from unlearnbench.submissions import apart, verify
from unlearnbench.submissions.bases import Bases
from unlearnbench.submissions.untrusted import Refusal
from unlearnbench.submissions.verify import check_submission


class Odd(Exception):
    """An exception that cannot be shown."""

    def __str__(self) -> NoReturn:
        raise ValueError("no words")


def loop() -> None:
    while True:
        pass


def wait() -> None:
    time.sleep(600)


def allocate() -> None:
    kept = [bytearray(1024 * 1024) for _ in range(4096)]
    raise AssertionError(len(kept))


def recur() -> None:
    recur()


def leave() -> None:
    os._exit(0)


def ended_by(number: signal.Signals) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


def raising(error: BaseException) -> Callable[[], None]:
    def check() -> None:
        raise error

    return check


def unsendable() -> object:
    return lambda: None


CHECKS: dict[str, tuple[Callable[[], object], str]] = {
    "a bug": (raising(KeyError("name")), "bad: fault: KeyError: 'name'"),
    "a long message": (raising(ValueError("x" * 10_000)), "bad: fault: ValueError: xxx"),
    "an exception without words": (raising(Odd()), "bad: fault: "),
    "recursion": (recur, "bad: fault: RecursionError"),
    "an overflow": (raising(OverflowError("date")), "bad: fault: OverflowError: date"),
    "leaving": (raising(SystemExit(0)), "bad: fault: "),
    "an interruption": (raising(KeyboardInterrupt()), "bad: fault: "),
    "leaving at once": (leave, "bad: fault: "),
    "a loop": (loop, "bad: time: takes more than 1 s of processor time"),
    "sleep": (wait, "bad: time: "),
    "memory": (allocate, "the check: memory: more than 64 MiB"),
    "an abort": (os.abort, "bad: fault: its check was ended by SIGABRT"),
    "a crash": (ended_by(signal.SIGSEGV), "bad: fault: its check was ended by SIGSEGV"),
    "a bus error": (ended_by(signal.SIGBUS), "bad: fault: its check was ended by SIGBUS"),
    "a kill": (ended_by(signal.SIGKILL), "bad: time: "),
    "a result that cannot be sent": (unsendable, "bad: fault: "),
}


@pytest.fixture(scope="module")
def known(bases: Path) -> Bases:
    """The accepted bases, checked once."""
    return accepted_bases(bases)


@pytest.fixture
def limits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Less time and memory than a board gives, so that a test ends."""
    monkeypatch.setattr(verify, "seconds_for", lambda folder: 1)
    # Only who sleeps is waited for to the end; a busy machine takes long for a second of work.
    monkeypatch.setattr(apart, "WALL_SECONDS", 5 if name == "sleep" else 20)
    monkeypatch.setattr(apart, "GRACE", 0.2)
    monkeypatch.setattr(apart, "MEMORY", 64 * 1024 * 1024)


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Make the check of the row `bad` do something, and refuse other rows without a look."""

    def replace(check: Callable[[], object]) -> None:
        def row(folder: Path, _: object) -> object:
            fine = verify.Verification(folder, [Refusal("looked-at", folder.name, "nothing else")])
            return check() if folder.name == "bad" else fine

        monkeypatch.setattr(verify, "_check_row", row)

    return replace


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.usefixtures("limits")
def test_whatever_a_check_does_is_that_row_s_refusal(
    name: str,
    good_submission: Path,
    known: Bases,
    checked: Callable[[Callable[[], object]], None],
    tmp_path: Path,
) -> None:
    check, reason = CHECKS[name]
    checked(check)
    for row in ("before", "bad", "later"):
        (tmp_path / row).mkdir()
        shutil.copy(good_submission / "submission.json", tmp_path / row)
    began, started = time.monotonic(), children()
    board = read_board(tmp_path, known)
    assert time.monotonic() - began < 60
    reasons = {row.id: row.reasons for row in board.refused}
    assert set(reasons) == {"before", "bad", "later"}
    for row in ("before", "later"):
        assert reasons[row] == [f"{row}: looked-at: nothing else"]
    assert reasons["bad"][0].startswith(reason)
    assert len(reasons["bad"][0]) < 300
    assert children() <= started


def test_what_both_processes_have_is_not_copied(good_submission: Path, known: Bases) -> None:
    mine, other = ["mine"], ["other"]
    found = apart.apart(lambda: (mine, [mine, other]), "row", shared=(mine,))
    assert found == (mine, [mine, other])
    assert found[0] is found[1][0] is mine
    assert found[1][1] is not other
    checked = check_submission(good_submission, known).checked
    assert checked is not None
    base = known.find(checked.claim.run.identity, checked.claim.base)
    assert checked.base is base
    assert checked.run.probes is base.run.probes


def children() -> set[int]:
    """Processes that this one has started; those of other tests' fixtures are among them."""
    return {child.pid for child in psutil.Process().children()}


def secret_link(folder: Path, name: str) -> None:
    """A link to what only this process may read, in place of a file."""
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to("/proc/self/environ")


def withdrawn(make: Callable[[Path], object]) -> Callable[[Path], None]:
    """A row in whose place there is only a note of its withdrawal."""

    def apply(folder: Path) -> None:
        shutil.rmtree(folder)
        folder.mkdir()
        make(folder / "WITHDRAWN")

    return apply


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**33)


def instead(make: Callable[[Path], object]) -> Callable[[Path], None]:
    """Something in place of the row's folder."""

    def apply(folder: Path) -> None:
        shutil.rmtree(folder)
        make(folder)

    return apply


def renamed(name: str | bytes) -> Callable[[Path], None]:
    """The row under another name."""

    def apply(folder: Path) -> None:
        folder.rename(folder.parent / os.fsdecode(name))

    return apply


def beside(folder: Path, name: bytes) -> None:
    """A file with a name that is no text."""
    (folder / os.fsdecode(name)).write_text("x")


def claim(*steps: str, value: object) -> Callable[[Path], None]:
    """A changed claim, sealed."""

    def apply(folder: Path) -> None:
        put(*steps, value=value)(folder)
        seal(folder)

    return apply


FOLDERS: dict[str, Callable[[Path], object]] = {
    "withdrawn by a link": withdrawn(lambda p: p.symlink_to("/proc/self/environ")),
    "withdrawn by a pipe": withdrawn(os.mkfifo),
    "withdrawn by a folder": withdrawn(Path.mkdir),
    "withdrawn by much": withdrawn(sparse),
    "withdrawn by no text": withdrawn(lambda p: p.write_bytes(b"\xff\xfe\x00")),
    "a link to secrets as claim": lambda f: secret_link(f, "submission.json"),
    "a link to secrets as sums": lambda f: secret_link(f, "SHA256SUMS"),
    "a link to secrets as answers": lambda f: secret_link(f, ANSWERS),
    "a link as run": lambda f: (shutil.rmtree(f / "run"), (f / "run").symlink_to("/proc/self")),
    "a link as row": instead(lambda f: f.symlink_to("/proc/self")),
    "a link to nothing": instead(lambda f: f.symlink_to("nowhere")),
    "a link to itself": instead(lambda f: f.symlink_to("bad")),
    "a pipe as row": instead(os.mkfifo),
    "a file as row": instead(Path.touch),
    "an empty folder": instead(Path.mkdir),
    "a name that is no text": renamed(b"bad\xff"),
    "a name of an anchor": renamed("anchor-base"),
    "a name of many letters": renamed("b" * 250),
    "a name with a line break": renamed("bad\nrow"),
    "a file that is no text": lambda f: beside(f, b"\xff\xfe"),
    "a year that overflows": claim("run", "finished", value="9999-12-31T23:59:59-23:59"),
}


@pytest.fixture(scope="module")
def kept_board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What is remembered of the good row, so that only the bad one is checked."""
    yield tmp_path_factory.mktemp("kept") / "kept"


@pytest.mark.parametrize("name", FOLDERS)
def test_whatever_lies_there_the_other_row_is_built(
    name: str, good_submission: Path, known: Bases, kept_board: Path, tmp_path: Path
) -> None:
    rows = tmp_path / "rows"
    for row in ("good", "bad"):
        # With its times, by which the board knows again what it has verified.
        shutil.copytree(good_submission, rows / row, copy_function=shutil.copy2)
    FOLDERS[name](rows / "bad")
    board = read_board(rows, known, kept_board)
    build_site(board, tmp_path / "site", lambda judge: None)
    assert [row.id for division in board.divisions for row in division.rows] == ["good"]
    assert board.divisions[0].rows[0].trust == "logged"
    assert len(board.refused) + len(board.tombstones) == 1
    assert "PATH=" not in shown(board, tmp_path / "site")


def shown(board: Board, site: Path) -> str:
    """All that is said of rows that are no rows, and every page."""
    pages = [path.read_text("utf-8") for path in site.rglob("*") if path.is_file()]
    reasons = [reason for row in board.refused for reason in row.reasons]
    return "\n".join([*pages, *reasons, *board.tombstones.values()])


def test_a_row_that_was_taken_back_is_no_fault(tmp_path: Path, command_line: CommandLine) -> None:
    folder = tmp_path / "row"
    folder.mkdir()
    (folder / "WITHDRAWN").write_text("The data were\nmixed up.")
    done = command_line("verify", folder)
    assert done.code == 0
    assert "row: withdrawn: The data were mixed up." in done.out.replace("\n", " ")
