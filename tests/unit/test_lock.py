"""The lock of a folder: one process at a time, gone with its process, and never a soft one."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from unlearnbench.errors import RunError
from unlearnbench.runs.lock import locked

HOLDER = """
import sys, time
from pathlib import Path
from unlearnbench.runs.lock import locked
with locked(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    return process


def test_another_process_is_kept_out_until_the_first_is_killed(tmp_path: Path) -> None:
    process = holder(tmp_path)
    try:
        message = f"{tmp_path} is in use by another process"
        with pytest.raises(RunError, match=message), locked(tmp_path):
            pytest.fail("two processes in one folder")
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    with locked(tmp_path):
        assert (tmp_path / ".lock").exists()


def test_leftovers_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    process = holder(tmp_path)
    left = tmp_path / f".run.json.{process.pid}.tmp"
    left.write_text("half")
    process.kill()
    process.communicate()
    with locked(tmp_path):
        assert not left.exists()


def test_it_is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path):
        raise ZeroDivisionError
    with locked(tmp_path), pytest.raises(RunError, match="in use"), locked(tmp_path):
        pytest.fail("locked twice")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match=r"cannot write .*file/run: .*nothing committed is lost"):
        locked(tmp_path / "file" / "run").__enter__()


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EIO])
def test_a_disk_without_locks_is_refused(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock file that outlives its process would close the folder for good."""

    def refuse(*_: int) -> None:
        raise OSError(number, "no locks here")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(RunError, match="no locks here"):
        locked(tmp_path).__enter__()
    monkeypatch.undo()
    with locked(tmp_path):
        pass
