"""`relearn` and `stress` with workers of a real Ray on this machine, some of them killed."""

from __future__ import annotations

import importlib.util
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import write_benchmark
from tests.models import save
from tests.ray_engines import workers_of
from unlearnbench import ExecutorOptions, Progress
from unlearnbench.api import attacks
from unlearnbench.attacks import catalog
from unlearnbench.attacks.relearn.curves import RelearnCurves
from unlearnbench.errors import CheckpointError, EngineError
from unlearnbench.types.options import EngineOptions, RunOptions

pytestmark = [
    pytest.mark.ray,
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="Ray is not installed: make test-ray"
    ),
]
OPTIONS = EngineOptions(device="cpu", batch_size=32)
TWO = ExecutorOptions("ray", workers=2)
TIMES = {"created", "finished", "seconds"}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_benchmark(tmp_path_factory.mktemp("asked") / "benchmark", forget=2, retain=3)


@pytest.fixture(autouse=True, scope="module")
def short_profile() -> Iterator[None]:
    """Three scored steps, two seeds."""
    quick = replace(catalog.PROFILES["quick"], steps=(0, 2, 6), seeds=(0, 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(catalog.PROFILES, "quick", quick)
        yield


@pytest.fixture(autouse=True, scope="module")
def cluster() -> Iterator[None]:
    """A Ray that this process is connected to."""
    import ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
        yield
        ray.shutdown()


def relearn(model: Path, asked: Path, out: Path, **rest: Any) -> dict[str, Any]:
    return attacks.relearn(
        str(model),
        str(asked),
        arms=["retain", "forget"],
        base=str(model),
        engine_options=OPTIONS,
        run_options=RunOptions(out),
        **rest,
    ).record.to_disk()


@pytest.fixture(scope="module")
def relearnt(
    asked: Path, tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    """The run by this process alone."""
    out = tmp_path_factory.mktemp("alone") / "run"
    return out, relearn(tiny_llama, asked, out)


def without_times(record: Any) -> Any:
    if isinstance(record, dict):
        return {n: without_times(v) for n, v in record.items() if n not in TIMES}
    return [without_times(v) for v in record] if isinstance(record, list) else record


def same(out: Path, other: Path, name: str) -> None:
    """Records, answers and verdicts, byte for byte but for times and the order of lines."""
    mine, theirs = (json.loads((f / name).read_text("utf-8")) for f in (out, other))
    assert json.dumps(without_times(mine)) == json.dumps(without_times(theirs))
    for path in sorted(other.rglob("*.jsonl")):
        lines, wanted = (
            sorted((folder / path.relative_to(other)).read_bytes().splitlines())
            for folder in (out, other)
        )
        assert lines == wanted, path
    files = [{p.relative_to(f) for p in f.rglob("*") if p.is_file()} for f in (out, other)]
    assert files[0] == files[1]


def none_is_left() -> None:
    """The workers end with the call, though not before it returns."""
    _, living = psutil.wait_procs(workers_of(psutil.Process(), "ray::Worker"), timeout=30)
    assert living == []


class Killer:
    """Called with progress: once a part's result is known, the next worker to be busy is killed."""

    def __init__(self, part: str) -> None:
        self._part = part
        self.killed: list[int] = []
        self._thread: threading.Thread | None = None

    def __call__(self, progress: Progress) -> None:
        if progress.unit == "results" and self._part in progress.part and not self._thread:
            self._thread = threading.Thread(target=self._kill, daemon=True)
            self._thread.start()

    def _kill(self) -> None:
        until = time.monotonic() + 60
        while (
            not (busy := workers_of(psutil.Process(), "ray::Worker.")) and time.monotonic() < until
        ):
            time.sleep(0.01)
        busy[0].kill()
        self.killed.append(busy[0].pid)


@contextmanager
def slaughter() -> Iterator[None]:
    """Kill every worker as soon as it trains a leg, or makes another model for it."""
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(0.05):
            for worker in workers_of(psutil.Process(), "ray::Worker.turn"):
                worker.kill()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize("shared", [True, False], ids=["shared-disk", "own-disks"])
def test_a_worker_is_killed_in_the_middle_of_a_leg(
    shared: bool,
    asked: Path,
    tiny_llama: Path,
    relearnt: tuple[Path, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another goes on from the state that it kept, or trains the leg again from its beginning."""
    if not shared:
        monkeypatch.setattr(RelearnCurves, "created", property(lambda _: "of another run"))
    killer = Killer("seed 0, step 2")
    relearn(tiny_llama, asked, tmp_path / "run", executor_options=TWO, on_progress=killer)
    assert killer.killed
    same(tmp_path / "run", relearnt[0], "relearn.json")
    none_is_left()


def test_a_leg_that_ends_its_workers_ends_the_command_which_can_be_given_again(
    asked: Path, tiny_llama: Path, relearnt: tuple[Path, Any], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    words = "3 workers were lost over it .* give the same command again"
    with slaughter(), pytest.raises(EngineError, match=words) as raised:
        relearn(tiny_llama, asked, out, executor_options=replace(TWO, workers=1))
    assert re.match("the base model:|(retain|forget), seed [01]:", str(raised.value))
    record = json.loads((out / "relearn.json").read_text("utf-8"))
    assert record["status"] == "running"
    assert record.get("summary") is None
    relearn(tiny_llama, asked, out)  # and by this process alone
    same(out, relearnt[0], "relearn.json")


def stress(model: Path, base: Path, out: Path, **rest: Any) -> dict[str, Any]:
    return attacks.stress(
        str(model),
        "wkf",
        base=str(base),
        limit=1,
        engine_options=OPTIONS,
        run_options=RunOptions(out),
        **rest,
    ).record.to_disk()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Other weights of the same shape."""
    return save(tmp_path_factory.mktemp("models") / "base", "llama", seed=1)


@pytest.fixture(scope="module")
def stressed(
    base: Path, tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    """The whole suite by this process alone."""
    out = tmp_path_factory.mktemp("alone") / "run"
    return out, stress(tiny_llama, base, out)


def test_a_worker_is_killed_in_the_middle_of_stress_tests(
    base: Path, tiny_llama: Path, stressed: tuple[Path, Any], tmp_path: Path
) -> None:
    killer = Killer("sampling")
    stress(tiny_llama, base, tmp_path / "run", executor_options=TWO, on_progress=killer)
    assert killer.killed
    same(tmp_path / "run", stressed[0], "stress.json")


def test_what_a_worker_raises_is_raised_here(tiny_llama: Path, tmp_path: Path) -> None:
    """A base of another shape: the first error is told, not what it made of the other units."""
    other = save(tmp_path / "gpt2", "gpt2")
    with pytest.raises(CheckpointError, match=r"--base: the checkpoint's .* is missing"):
        tests = ["sampling", "quantize", "interpolate"]
        stress(tiny_llama, other, tmp_path / "run", executor_options=TWO, only=tests)
    none_is_left()
