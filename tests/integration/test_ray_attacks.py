"""`relearn` and `stress` with workers of a real Ray on this machine, some of them killed."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import write_benchmark
from tests.models import save
from unlearnbench import ExecutorOptions, Progress
from unlearnbench.api import attacks
from unlearnbench.attacks import catalog
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


def workers_of(doing: str) -> list[psutil.Process]:
    living = []
    for child in psutil.Process().children(recursive=True):
        try:
            if doing in " ".join(child.cmdline()):
                living.append(child)
        except psutil.Error:
            continue
    return living


def killer(part: str, doing: str, times: int = 1) -> Callable[[Progress], None]:
    """Kills a worker that is at something once a run of an attack is under way."""
    killed: list[int] = []

    def watch(progress: Progress) -> None:
        if part in progress.part and len(killed) < times:
            for worker in workers_of(doing)[:1]:
                killed.append(worker.pid)
                worker.kill()

    watch.killed = killed  # type: ignore[attr-defined]
    return watch


def test_relearning_by_two_workers(
    asked: Path, tiny_llama: Path, relearnt: tuple[Path, Any], tmp_path: Path
) -> None:
    relearn(tiny_llama, asked, tmp_path / "run", executor_options=TWO)
    same(tmp_path / "run", relearnt[0], "relearn.json")


def stress(model: Path, base: Path, out: Path, **rest: Any) -> dict[str, Any]:
    return attacks.stress(
        str(model),
        "wkf",
        base=str(base),
        limit=2,
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


def test_all_stress_tests_by_two_workers(
    base: Path, tiny_llama: Path, stressed: tuple[Path, Any], tmp_path: Path
) -> None:
    stress(tiny_llama, base, tmp_path / "run", executor_options=TWO)
    same(tmp_path / "run", stressed[0], "stress.json")
