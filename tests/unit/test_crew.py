"""Units of work without Ray: order, errors, the record under way, progress, one judge at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from unlearnbench.attacks.catalog import PROFILES
from unlearnbench.attacks.relearn.arms import Arm
from unlearnbench.attacks.relearn.curves import RelearnCurves
from unlearnbench.attacks.relearn.elsewhere import LegPlan
from unlearnbench.errors import EngineError
from unlearnbench.executors.ray.crew import RayCrew
from unlearnbench.progress import Progress, Together
from unlearnbench.protocol.judge_worker import Verdicts
from unlearnbench.runs.attacks import read_relearn, write_attack
from unlearnbench.runs.folder import RunFolder
from unlearnbench.runs.schema import RelearnRecord
from unlearnbench.types import JudgeItem, Judgement, ProbeKey


class Pool:
    """Workers without work."""

    ray = None
    workforce = SimpleNamespace(workers=2)
    closed = False

    def close(self) -> None:
        self.closed = True


def crew_of(pool: Pool) -> RayCrew:
    return RayCrew(cast(Any, SimpleNamespace(pool=pool)))


def test_results_come_in_order() -> None:
    def work(number: int) -> int:
        time.sleep(0.01 * (7 - number))
        return number

    assert list(crew_of(Pool()).map(work, range(7))) == list(range(7))
    assert list(crew_of(Pool()).map(work, [])) == []


def test_several_units_are_under_way() -> None:
    """A worker more than there are: one unit's judging goes beside the asking of the others."""
    meeting = threading.Barrier(3)
    assert list(crew_of(Pool()).map(lambda _: meeting.wait(10), range(3)))


@pytest.mark.parametrize("kind", [EngineError, IndexError, KeyError, KeyboardInterrupt])
def test_the_first_error_ends_all(kind: type[BaseException]) -> None:
    pool = Pool()
    begun: list[int] = []

    def work(number: int) -> None:
        begun.append(number)
        if number == 1:
            raise kind("one")
        time.sleep(0.002)

    with pytest.raises(kind, match="one"):
        list(crew_of(pool).map(work, range(500)))
    assert pool.closed
    assert len(begun) < 500


def test_an_error_of_a_unit_within_is_the_one_that_is_raised() -> None:
    pool = Pool()
    crew = crew_of(pool)
    waiting = threading.Event()

    def inner(number: int) -> None:
        if number == 2:
            raise EngineError("the cause")

    def outer(number: int) -> None:
        if number == 0:
            waiting.wait(5)
            crew.unit("other", lambda lease: lease.measure(str))
        list(crew.map(inner, range(4)))
        waiting.set()

    with pytest.raises(EngineError, match="the cause"):
        list(crew.map(outer, range(2)))


def test_a_caller_that_leaves_ends_the_workers() -> None:
    pool = Pool()
    results = crew_of(pool).map(str, range(9))
    assert next(results) == "0"
    cast(Any, results).close()
    assert pool.closed


STORED = Path(__file__).parents[1] / "fixtures" / "stored" / "rows" / "jensun-4-rows"


@pytest.fixture
def stored() -> RelearnRecord:
    return read_relearn(STORED)


def arm(name: str) -> Arm:
    row = SimpleNamespace(ids=[1, 2, 3], answer=[3])
    return Arm(name, cast(Any, (row,)), frozenset({"a"}))


def test_legs_in_any_order_make_one_record(stored: RelearnRecord, tmp_path: Path) -> None:
    """Two arms, three seeds, added from both ends and some points twice."""
    (points,) = [points for arm in stored.arms.values() for points in arm.seeds.values()][:1]
    profile = replace(PROFILES["quick"], seeds=(0, 1, 2))
    legs = [(name, seed) for name in ("near", "half") for seed in profile.seeds]
    written = []
    for number, order in enumerate((legs, legs[::-1])):
        folder = tmp_path / str(number)
        folder.mkdir()
        begun = stored.model_copy(update={"arms": {}, "seconds": 0.0})
        reports: list[Progress] = []
        curves = RelearnCurves(folder, begun, profile, ["near", "half"], reports.append)
        assert stored.first is not None
        curves.begin(stored.first)
        for name, seed in order:
            for point in (*points[:2], *points):
                curves.add(arm(name), seed, point)
        finished = curves.finish()
        assert list(finished.arms) == ["near", "half"]
        assert [list(a.seeds) for a in finished.arms.values()] == [["0", "1", "2"]] * 2
        assert reports[-1].done == len(legs) * len(points)
        text = (folder / "relearn.json").read_text("utf-8").splitlines()
        times = ('"finished"', '"seconds"')
        written.append([line for line in text if not line.strip().startswith(times)])
    assert written[0] == written[1]


def test_a_loss_that_is_known_stays(stored: RelearnRecord, tmp_path: Path) -> None:
    """A leg that begins again reads its finished points back, without their losses."""
    point = next(stored.points).model_copy(update={"step": 2, "loss": 0.5})
    begun = stored.model_copy(update={"arms": {}})
    curves = RelearnCurves(tmp_path, begun, PROFILES["quick"], ["near"], lambda _: None)
    curves.add(arm("near"), 0, point)
    curves.add(arm("near"), 0, point.model_copy(update={"loss": None}))
    (kept,) = read_relearn(tmp_path).points
    assert kept.loss == 0.5


def test_a_state_is_kept_only_on_a_disk_that_is_shared(
    stored: RelearnRecord, tmp_path: Path
) -> None:
    write_attack(tmp_path, stored)
    leg = tmp_path / "near" / "seed-0"
    assert LegPlan(arm("near"), 0, leg, str(stored.created)).shared_folder == leg
    assert LegPlan(arm("near"), 0, leg, "2020-01-01T00:00:00+00:00").shared_folder is None
    (tmp_path / "relearn.json").unlink()
    assert LegPlan(arm("near"), 0, leg, str(stored.created)).shared_folder is None


def test_parts_are_counted_together(tmp_path: Path) -> None:
    reports: list[Progress] = []
    together = Together(tmp_path, reports.append)
    for part, done in (("a", 3), ("b", 1), ("a", 5), ("a", 0)):
        together(Progress(tmp_path / part, "answers", done, 10, part))
    together(Progress(tmp_path, "results", 1, 4, "a", text="a: 3 leaked"))
    assert [(r.done, r.total) for r in reports] == [(3, 10), (4, 20), (6, 20), (1, 20), (1, 4)]
    assert {r.folder for r in reports} == {tmp_path}
    assert reports[-1].text == "a: 3 leaked"


class OneByOne:
    """A judge that must not be asked by two runs at a time."""

    name, identity = "one", "0" * 64

    def __init__(self) -> None:
        self.busy = threading.Lock()

    def judge(self, items: Sequence[JudgeItem]) -> Iterator[Judgement]:
        assert self.busy.acquire(blocking=False)
        for item in items:
            time.sleep(0.01)
            yield Judgement(item.key, "correct", self.identity, "")
        self.busy.release()


def test_runs_that_share_a_judge_take_turns(tmp_path: Path) -> None:
    judge, turn = OneByOne(), threading.Lock()
    counts = [0, 0]

    def judged(run: int) -> None:
        def advance(count: int) -> None:
            counts[run] += count

        folder = RunFolder(tmp_path / str(run))
        folder.path.mkdir()
        with Verdicts(judge, folder, advance, turn) as verdicts:
            for number in range(5):
                key = ProbeKey(f"f{number}", "original", "plain")
                verdicts.submit([JudgeItem(key, "Q?", "x", (), "x")])
                time.sleep(0.01)

    list(crew_of(Pool()).map(judged, range(2)))
    assert counts == [5, 5]
