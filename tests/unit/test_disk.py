"""Whole or not at all; leftovers of the dead; a disk's refusal in whatever words it comes."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnbench.errors import RunError, TrainingError
from unlearnbench.files.disk import (
    clear_leftovers,
    discard,
    drafting,
    refusal,
    write_atomically,
    write_together,
    writing,
)


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_folder_takes_its_place_whole(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder"
    with drafting(target) as draft:
        draft.mkdir()
        (draft / "a").write_text("1")
        assert not target.exists()
        assert draft.name == target.name
    assert (target / "a").read_text() == "1"
    assert [p.name for p in tmp_path.iterdir()] == ["new"]
    assert [p.name for p in target.parent.iterdir()] == ["folder"]


def test_an_error_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write_atomically(target, "old")
    with pytest.raises(ZeroDivisionError), drafting(target) as draft:
        draft.write_text("new")
        raise ZeroDivisionError
    assert target.read_text() == "old"
    with drafting(target) as draft:
        draft.write_bytes(b"new")
    assert target.read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_refused_folder_leaves_no_parents(tmp_path: Path) -> None:
    with pytest.raises(TrainingError), drafting(tmp_path / "a" / "b" / "c") as draft:
        draft.mkdir()
        raise TrainingError("no")
    assert list(tmp_path.iterdir()) == []


def test_leftovers_of_the_dead_go_and_those_of_the_living_stay(tmp_path: Path) -> None:
    dead, alive = dead_pid(), os.getppid()
    for pid in (dead, alive):
        (tmp_path / f".run.json.{pid}.tmp").touch()
        (tmp_path / f".folder.{pid}.partial").mkdir()
        (tmp_path / f".folder.{pid}.partial" / "x").touch()
    for name in (".lock", "run.json", ".hidden.tmp", f"run.{dead}.tmp"):
        (tmp_path / name).touch()
    clear_leftovers(tmp_path, "run.json")
    assert not (tmp_path / f".run.json.{dead}.tmp").exists()
    assert (tmp_path / f".folder.{dead}.partial").exists()
    clear_leftovers(tmp_path, older_s=60)
    assert (tmp_path / f".folder.{dead}.partial").exists()
    clear_leftovers(tmp_path)
    living = {f".run.json.{alive}.tmp", f".folder.{alive}.partial"}
    others = {".lock", "run.json", ".hidden.tmp", f"run.{dead}.tmp"}
    assert {p.name for p in tmp_path.iterdir()} == living | others
    clear_leftovers(tmp_path, exclusive=True)
    assert {p.name for p in tmp_path.iterdir()} == others


def test_discard_takes_all_of_a_folder_or_says_nothing_of_none(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    discard(tmp_path / "a")
    discard(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


class Native(Exception):
    """As of a library in another language."""


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), errno.ENOSPC),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), errno.EDQUOT),
        (PermissionError(errno.EACCES, "Permission denied"), errno.EACCES),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory"), errno.ENOTDIR),
        (Native("Error while serializing: I/O error: No space (os error 28)"), errno.ENOSPC),
        (Native("I/O error: Read-only file system (os error 30)"), errno.EROFS),
        (
            RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534"),
            errno.EIO,
        ),
        (FileNotFoundError(errno.ENOENT, "No such file"), None),
        (Native("I/O error: No such file or directory (os error 2)"), None),
        (RuntimeError("size mismatch"), None),
        (ValueError("28"), None),
    ],
)
def test_what_is_a_refusal(error: Exception, number: int | None) -> None:
    found = refusal(error)
    assert (found.errno if found else None) == number
    outer = KeyError("x")
    outer.__cause__ = error
    again = refusal(outer)
    assert (again.errno if again else None) == number


def test_errors_of_our_own_and_others_pass(tmp_path: Path) -> None:
    with pytest.raises(TrainingError), writing(tmp_path):
        raise TrainingError("nan")
    with pytest.raises(ZeroDivisionError), writing(tmp_path):
        raise ZeroDivisionError
    with pytest.raises(RunError, match=r"cannot write .*: No space left"), writing(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")


@given(st.text(st.characters(codec="utf-8")) | st.binary())
def test_what_is_written_is_what_was_given(content: str | bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        write_atomically(path, content)
        assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)


def test_many_files_are_written_together(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a").write_text("old")
    files = [(tmp_path / name, f"new {name} \udc80") for name in ("a", "b", "sub/c")]
    write_together(files)
    assert [path.read_text("utf-8") for path, _ in files] == [
        "new a \\udc80",
        "new b \\udc80",
        "new sub/c \\udc80",
    ]
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "b", "c", "sub"]


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_refused_write_leaves_every_file_whole(tmp_path: Path, missing: int) -> None:
    """A folder in the place of one file: those before it are new, nothing is half-written."""
    paths = [tmp_path / name for name in "abc"]
    for number, path in enumerate(paths):
        path.mkdir() if number == missing else path.write_text("old")
        if number == missing:
            (path / "inside").touch()
    with pytest.raises(RunError, match=f"cannot write {paths[missing]}"):
        write_together([(path, "new") for path in paths])
    texts = [path.read_text() for path in paths if path.is_file()]
    assert texts == ["new"] * missing + ["old"] * (2 - missing)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c"]


def test_a_missing_folder_is_an_error_of_that_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_together([(tmp_path / "a", "1"), (tmp_path / "no" / "b", "2")])
    assert not (tmp_path / "a").exists()
    assert list(tmp_path.iterdir()) == []
