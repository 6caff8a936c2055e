"""A disk that is full, read-only or forbidden: one line, exit 2, and later the same bytes."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.reliability.commands import COMMANDS, SEED, WANTED, World, Zygote
from tests.reliability.conftest import KILLS
from tests.reliability.test_kills import (
    Get,
    changes,
    ends_the_same,
    fresh,
)

pytestmark = pytest.mark.slow
ERRORS = ("ENOSPC", "EROFS", "EACCES", "EDQUOT")
REFUSALS = max(1, WANTED // 50)
"""Injected refusals a command."""
REFUSED = COMMANDS if WANTED else ("score", "train", "submit", "report")
ROOM = [sys.executable, "-m", "unlearnbench"]


@pytest.mark.parametrize("name", REFUSED)
def test_the_disk_refuses_from_the_nth_change_on(
    name: str, undisturbed: Get, zygote: Zygote, tmp_path: Path
) -> None:
    chance = random.Random(f"{SEED}/{name}/refusals")
    total = changes(name, undisturbed, zygote, tmp_path / "work", "")
    for number in range(min(REFUSALS, total)):
        folder = fresh(tmp_path / "work")
        error = ERRORS[number % len(ERRORS)]
        fault = {"under": str(folder), "at": chance.randint(1, total), "error": error}
        code, told = zygote.run(undisturbed(name).words, folder, fault=fault)
        KILLS[f"{name} refused"] += 1
        # 0: what could not be removed at the very end was of no use any more.
        assert code in (0, 2), told
        if code == 2:
            assert "cannot write" in told or "cannot read or write" in told, told
            assert "Traceback" not in told, told
        ends_the_same(zygote, undisturbed(name), folder)


@pytest.mark.parametrize("name", ["train", "relearn", *(["train-lora"] if WANTED else [])])
def test_files_that_may_not_grow(
    name: str, undisturbed: Get, zygote: Zygote, tmp_path: Path
) -> None:
    """What safetensors and torch write themselves is refused half-way: the kernel's own error."""
    chance = random.Random(f"{SEED}/{name}/growth")
    for _ in range(REFUSALS):
        folder = fresh(tmp_path / "work")
        fault = {"bytes": chance.randrange(20_000, 120_000), "error": "EFBIG"}
        code, told = zygote.run(undisturbed(name).words, folder, fault=fault)
        KILLS[f"{name} refused"] += 1
        assert code == 2, told
        assert "cannot write" in told, told
        assert "Traceback" not in told, told
        ends_the_same(zygote, undisturbed(name), folder)


def _mounts() -> bool:
    tried = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return (
        shutil.which("unshare") is not None
        and not subprocess.run(tried, capture_output=True, check=False).returncode
    )


@pytest.mark.skipif(not _mounts(), reason="a file system of one's own needs user namespaces")
@pytest.mark.parametrize(
    ("options", "name"), [("size=600k", "train"), *([("ro", "score")] if WANTED else [])]
)
def test_a_real_file_system(
    options: str, name: str, undisturbed: Get, world: World, zygote: Zygote, tmp_path: Path
) -> None:
    """A tmpfs that is too small, and one that is read-only; what it holds is copied back out."""
    folder = fresh(tmp_path / "work")
    script = (
        f"mount -t tmpfs -o {options} tmpfs {folder}/out && cd {folder} || exit 99; "
        f'"$@"; code=$?; cp -a {folder}/out/. {tmp_path}/kept; exit $code'
    )
    (tmp_path / "kept").mkdir()
    words = ["unshare", "-rm", "sh", "-c", script, "sh", *ROOM, *COMMANDS[name](world)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr
    shutil.copytree(tmp_path / "kept", folder / "out", dirs_exist_ok=True)
    ends_the_same(zygote, undisturbed(name), folder)


@pytest.mark.parametrize("name", ["judge", *(["board"] if WANTED else [])])
def test_standard_output_is_full(name: str, world: World, tmp_path: Path) -> None:
    words = [*ROOM, *COMMANDS[name](world)]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            words,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            cwd=fresh(tmp_path / "work"),
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
    assert done.returncode == 2, done.stderr
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
