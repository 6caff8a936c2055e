"""Every command is killed, and the same command ends with the same bytes.

A part runs by default. All of it: UNLEARNBENCH_KILLS=210 pytest tests/reliability (make kills).
The seed is UNLEARNBENCH_KILLS_SEED (default 0).
"""

from __future__ import annotations

import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.reliability.commands import SEED, WANTED, Zygote, content, different
from tests.reliability.conftest import KILLS, Undisturbed

pytestmark = pytest.mark.slow
Get = Callable[[str], Undisturbed]

RANDOM = ("score", "judge", "train", "relearn", "stress", "submit", "board", "make", "synthetic")
EACH = max(1, -(-WANTED // len(RANDOM)))
AIMED = max(1, WANTED // 15)
"""Kills aimed between two changes of the disk, for each command that writes checkpoints."""
INSIDE = max(1, WANTED // 30)
"""Kills aimed inside a file, the same."""
MOST_TRIES = 20


def ends_the_same(zygote: Zygote, expected: Undisturbed, folder: Path) -> None:
    """Give the command once more, undisturbed; and once more: it finds its own work."""
    code, told = zygote.run(expected.words, folder)
    assert code == 0, told
    assert different(content(folder), expected.content) == []


def fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "out").mkdir(parents=True)
    return folder


@pytest.mark.parametrize("name", RANDOM)
def test_killed_at_any_instant(name: str, undisturbed: Get, zygote: Zygote, tmp_path: Path) -> None:
    """One to three kills in a row, then the command alone."""
    expected, chance = undisturbed(name), random.Random(f"{SEED}/{name}")
    hit = tries = 0
    while hit < EACH:
        folder, before = fresh(tmp_path / "work"), hit
        for _ in range(min(chance.choice((1, 1, 2, 3)), EACH - hit)):
            after = chance.random() * expected.seconds
            code, told = zygote.run(expected.words, folder, kill_after=after)
            assert code in (0, -signal.SIGKILL), told
            hit += code == -signal.SIGKILL
        KILLS[f"{name} random"] += hit - before
        tries = 0 if hit > before else tries + 1
        assert tries < MOST_TRIES, "no kill hit"
        ends_the_same(zygote, expected, folder)


def changes(name: str, undisturbed: Get, zygote: Zygote, folder: Path, under: str) -> int:
    """How often a command changes the disk below `under`."""
    count = folder.with_name("count")
    fault = {"under": str(folder / under), "count": str(count)}
    code, told = zygote.run(undisturbed(name).words, fresh(folder), fault=fault)
    assert code == 0, told
    return int(count.read_text())


PLACES = {
    "train": "out",
    "relearn": "out/retain/seed-0",
    "submit": "out",
    "make": "out",
    **({"train-lora": "out", "sweep": "out"} if WANTED else {}),
}


@pytest.mark.parametrize(("name", "under"), PLACES.items())
def test_killed_between_two_changes_of_the_disk(
    name: str, under: str, undisturbed: Get, zygote: Zygote, tmp_path: Path
) -> None:
    """Checkpoints, the finished model, relearning's state: killed before the n-th change."""
    total = changes(name, undisturbed, zygote, tmp_path / "work", under)
    chance = random.Random(f"{SEED}/{name}/changes")
    for at in sorted(chance.sample(range(1, total + 1), min(AIMED, total))):
        folder = fresh(tmp_path / "work")
        fault = {"under": str(folder / under), "at": at, "error": None}
        code, told = zygote.run(undisturbed(name).words, folder, fault=fault)
        assert code == -signal.SIGKILL, told
        KILLS[f"{name} aimed"] += 1
        ends_the_same(zygote, undisturbed(name), folder)


@pytest.mark.parametrize(("name", "largest"), [("train", 1_000_000), ("relearn", 3_000_000)])
def test_killed_inside_a_write(
    name: str, largest: int, undisturbed: Get, zygote: Zygote, tmp_path: Path
) -> None:
    """The kernel ends the process at the byte at which a file would grow past a limit.

    That reaches the weights and the optimiser's state, which libraries write natively.
    """
    chance = random.Random(f"{SEED}/{name}/bytes")
    for _ in range(INSIDE):
        folder = fresh(tmp_path / "work")
        fault = {"bytes": chance.randrange(50_000, largest), "error": None}
        code, told = zygote.run(undisturbed(name).words, folder, fault=fault)
        KILLS[f"{name} inside a write"] += code == -signal.SIGXFSZ
        assert code in (0, -signal.SIGXFSZ), told
        ends_the_same(zygote, undisturbed(name), folder)
