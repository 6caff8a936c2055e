"""Killed between two steps: of a sweep, a jury, a second opinion, a board, a calibration."""

from __future__ import annotations

import json
import random
import shutil
import signal
from pathlib import Path

import pytest

from tests.reliability.commands import SEED, WANTED, Zygote, content, different
from tests.reliability.conftest import KILLS
from tests.reliability.test_kills import Get, changes, ends_the_same, fresh

pytestmark = pytest.mark.slow
AIMED = max(1, WANTED // 15)
STEPS: dict[str, tuple[str, str, int]] = {
    "jury": ("out", "", 7),
    "rejudge": ("out", "", 7),
    "board": ("out/kept", "", 3),
    "sweep before its second value": ("out/lambda_r-1", "", 1),
    "sweep before its table": ("out", "tradeoff.json", 1),
}
"""Below which folder a command dies, at a change of a path that holds which text, and which."""


@pytest.mark.parametrize("name", STEPS)
def test_killed_between_two_steps(
    name: str, undisturbed: Get, zygote: Zygote, tmp_path: Path
) -> None:
    """What is done is kept, and the same command ends with the same bytes."""
    under, named, at = STEPS[name]
    command = name.partition(" ")[0]
    expected, chance = undisturbed(command), random.Random(f"{SEED}/{name}/steps")
    places = [at]
    if WANTED and name == command:
        total = changes(command, undisturbed, zygote, tmp_path / "work", under)
        places = chance.sample(range(1, total + 1), min(AIMED, total))
    for place in places:
        folder = fresh(tmp_path / "work")
        fault = {"under": str(folder / under), "named": named, "at": place, "error": None}
        code, told = zygote.run(expected.words, folder, fault=fault)
        assert code == -signal.SIGKILL, told
        KILLS[f"{command} steps"] += 1
        if name.startswith("sweep"):
            left = content(folder)
            first = [n for n in expected.content if n.startswith("out/lambda_r-0.1")]
            assert len(first) > 5
            assert [n for n in first if left.get(n) != expected.content[n]] == []
        ends_the_same(zygote, expected, folder)


def test_a_calibration_is_stored_whole_or_not_at_all(
    undisturbed: Get, zygote: Zygote, tmp_path: Path
) -> None:
    """Killed before each change of the disk: the old result stands until the new one does."""
    expected = undisturbed("calibrate")
    total = changes("calibrate", undisturbed, zygote, tmp_path / "work", "")
    assert total >= 4  # written beside, flushed, renamed, and the folder flushed
    old = json.dumps({"judge": "old"})
    seen = set()
    for at in range(1, total + 1):
        folder = fresh(tmp_path / "work")
        (folder / "out" / "result.json").write_text(old)
        fault = {"under": str(folder), "at": at, "error": None}
        code, told = zygote.run(expected.words, folder, fault=fault)
        assert code == -signal.SIGKILL, told
        KILLS["calibrate steps"] += 1
        kept = content(folder)["out/result.json"]
        assert kept in (json.loads(old), expected.content["out/result.json"])
        seen.add(kept["judge"])
        ends_the_same(zygote, expected, folder)
    assert seen == {"old", "rules"}


@pytest.mark.parametrize("error", ["ENOSPC", "EROFS", "EACCES", "EDQUOT"])
def test_a_calibration_that_cannot_be_stored_keeps_the_old_one(
    error: str, undisturbed: Get, zygote: Zygote, tmp_path: Path
) -> None:
    expected = undisturbed("calibrate")
    folder = fresh(tmp_path / "work")
    (folder / "out" / "result.json").write_text('{"judge": "old"}')
    fault = {"under": str(folder / "out"), "at": 1, "error": error}
    code, told = zygote.run(expected.words, folder, fault=fault)
    assert code == 2, told
    assert "Traceback" not in told, told
    assert content(folder) == {"out/result.json": {"judge": "old"}}
    ends_the_same(zygote, expected, folder)


def test_a_board_remembers_only_whole_rows(
    undisturbed: Get, zygote: Zygote, tmp_path: Path
) -> None:
    """A remembered row that is damaged is verified anew, and the site is the same."""
    expected = undisturbed("board")
    folder = fresh(tmp_path / "work")
    code, told = zygote.run(expected.words, folder)
    assert code == 0, told
    (kept,) = (folder / "out" / "kept").glob("*.json")
    whole = kept.read_bytes()
    site = {n: c for n, c in expected.content.items() if not n.startswith("out/kept")}
    record = json.loads(whole)
    forged = {**record, "row": {**record["row"], "name": "Better than it is"}}
    for data in (whole[: len(whole) // 2], json.dumps(forged).encode()):
        kept.write_bytes(data)
        code, told = zygote.run(expected.words, folder)
        assert code == 0, told
        found = {n: c for n, c in content(folder).items() if not n.startswith("out/kept")}
        assert different(found, site) == []
        assert kept.read_bytes() == whole
    shutil.rmtree(kept.parent)
    kept.parent.write_text("a file in its place")
    code, told = zygote.run(expected.words, folder)
    assert (code, "--keep" in told) == (2, True), told
