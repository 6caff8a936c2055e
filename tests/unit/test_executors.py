"""Executors without Ray: blocks, shares of a cluster, what is refused before anything starts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.scripted import ScriptedEngine
from unlearnbench import ExecutorOptions, relearn, score, stress
from unlearnbench.errors import (
    CheckpointError,
    EngineError,
    MissingExtraError,
    PluginError,
    TrainingError,
    UnlearnbenchError,
)
from unlearnbench.executors.blocks import Collected, Results, Task
from unlearnbench.executors.local import answer_tasks
from unlearnbench.executors.ray.checks import check_checkpoint, check_ready, check_surrounding
from unlearnbench.executors.ray.cluster import Workforce, share_out
from unlearnbench.executors.ray.worker import EngineRecipe, Ready, Worker, surrounding
from unlearnbench.types import Completion, Failure, Message, Probe, ProbeKey, Sampling
from unlearnbench.types.execution import gpus
from unlearnbench.types.options import EngineOptions


def probe(number: int) -> Probe:
    key = ProbeKey("forget-1", f"wording-{number}", "plain")
    return Probe(key, "forget", "", None, "Q?", "A", (), (), (Message("user", "Q?"),))


PROBES = tuple(probe(number) for number in range(4))
KEYS = [probe.key for probe in PROBES]


def reply(key: ProbeKey, text: str = "A") -> Completion:
    return Completion(key, text, "stop", 1)


def task(*missing: int) -> Task:
    return Task(PROBES, frozenset(KEYS[number] for number in missing))


class Engine:
    """Answers what it is told to; `asks_singly` if it is told so."""

    def __init__(self, results: Sequence[Completion | Failure], singly: bool = False) -> None:
        self.results, self.asks_singly = results, singly
        self.asked: list[tuple[Probe, ...]] = []
        self.info, self.adopt = ScriptedEngine("x", EngineOptions()).info, lambda settings: None

    def generate(self, block: Sequence[Probe], sampling: Sampling) -> Iterator[Any]:
        self.asked.append(tuple(block))
        yield from self.results


def carried_out(engine: Engine, *tasks: Task) -> tuple[list[Results], int]:
    counts: list[int] = []
    results = [made for _, made in answer_tasks(engine, tasks, Sampling(), counts.append)]
    return results, sum(counts)


def test_a_block_is_asked_whole_and_only_what_was_missing_is_taken() -> None:
    engine = Engine([reply(key) for key in reversed(KEYS)])
    (results,), count = carried_out(engine, task(1, 3))
    assert list(results) == [KEYS[1], KEYS[3]]  # in the order of the plan
    assert engine.asked == [PROBES]
    assert count == 2


def test_an_engine_that_asks_singly_is_asked_for_what_is_missing() -> None:
    engine = Engine([reply(KEYS[2])], singly=True)
    (results,), _ = carried_out(engine, task(2))
    assert engine.asked == [(PROBES[2],)]
    assert list(results) == [KEYS[2]]


def test_a_complete_block_is_not_asked() -> None:
    engine = Engine([])
    assert carried_out(engine, task(), task()) == ([{}, {}], 0)
    assert engine.asked == []


def test_what_does_not_come_is_a_failure() -> None:
    (results,), count = carried_out(Engine([reply(KEYS[0])]), task(0, 1))
    assert results[KEYS[1]] == Failure(KEYS[1], "generate", "the engine gave no answer")
    assert count == 1


@pytest.mark.parametrize(
    "keys",
    [[KEYS[0], KEYS[0]], [ProbeKey("other", "original", "plain")]],
    ids=["twice", "unasked"],
)
def test_what_comes_twice_or_unasked_voids_the_block(keys: list[ProbeKey]) -> None:
    with pytest.raises(EngineError, match="the block is void"):
        Collected(task(0), PROBES).add([reply(key) for key in keys])


NODE = {"CPU": 32.0, "GPU": 8.0}
CPUS = {"CPU": 8.0}


@pytest.mark.parametrize(
    ("options", "total", "machines", "share"),
    [
        ({}, NODE, 1, Workforce(8, 4, 1.0)),
        ({"worker_gpus": 2.0}, NODE, 1, Workforce(4, 8, 2.0)),
        ({"worker_gpus": 0.5}, NODE, 1, Workforce(16, 2, 0.5)),
        ({"worker_gpus": 0.0}, NODE, 1, Workforce(1, 32, 0.0)),
        ({"workers": 3}, NODE, 1, Workforce(3, 10, 1.0)),
        ({}, CPUS, 1, Workforce(1, 8, 0.0)),
        ({}, CPUS, 4, Workforce(4, 2, 0.0)),
        ({"workers": 1}, CPUS, 4, Workforce(1, 2, 0.0)),  # a worker lies on one machine
        ({"workers": 2, "worker_cpus": 1}, CPUS, 1, Workforce(2, 1, 0.0)),
    ],
    ids=str,
)
def test_shares(
    options: dict[str, Any], total: dict[str, float], machines: int, share: Workforce
) -> None:
    assert share_out(ExecutorOptions("ray", **options), total, machines, False) == share


def test_workers_on_cpus_take_no_gpus() -> None:
    assert share_out(ExecutorOptions("ray"), NODE, 1, True) == Workforce(1, 32, 0.0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"workers": 9}, "9 × 1 GPUs are needed, Ray has 8"),
        ({"workers": 2, "worker_gpus": 8.0}, "2 × 8 GPUs"),
        ({"workers": 2, "worker_cpus": 17}, "2 × 17 CPUs are needed, Ray has 32"),
    ],
    ids=["workers", "gpus", "cpus"],
)
def test_too_little_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(EngineError, match=words):
        share_out(ExecutorOptions("ray", **options), NODE, 1, False)


REFUSED: list[tuple[str, dict[str, Any], dict[str, Any], type[UnlearnbenchError], str]] = [
    ("executor", {"executor": "rai"}, {}, PluginError, "--executor rai: did you mean 'ray'"),
    ("workers", {"workers": 2}, {}, EngineError, "--workers: only Ray has workers"),
    ("gpus", {"worker_gpus": 0.5}, {}, EngineError, "--worker-gpus: only Ray"),
    ("address", {"ray_address": "h:1"}, {}, EngineError, "--ray-address: only Ray"),
    (
        "object",
        {"executor": "ray"},
        {"engine": ScriptedEngine("x", EngineOptions())},
        EngineError,
        "workers make their engine by its name",
    ),
    (
        "endpoint",
        {"executor": "ray"},
        {"engine": "endpoint:http://h/v1"},
        EngineError,
        "no weights",
    ),
    ("replay", {"executor": "ray"}, {"engine": "replay"}, EngineError, "no weights"),
    ("engine", {"executor": "ray"}, {"engine": "transformer"}, PluginError, "transformers"),
    (
        "device",
        {"executor": "ray"},
        {"engine_options": EngineOptions(device="cuda:1")},
        EngineError,
        "--device cuda:1: Ray gives each worker its cards",
    ),
    ("missing", {"executor": "ray"}, {}, MissingExtraError, r"pip install 'unlearnbench\[ray\]'"),
]


@pytest.mark.parametrize(
    ("options", "others", "kind", "words"),
    [row[1:] for row in REFUSED],
    ids=[r[0] for r in REFUSED],
)
def test_what_is_refused_before_anything_starts(
    options: dict[str, Any],
    others: dict[str, Any],
    kind: type[UnlearnbenchError],
    words: str,
    benchmark_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(kind, match=words):
        score("x", str(benchmark_folder), executor_options=ExecutorOptions(**options), **others)


@pytest.mark.parametrize("attack", [relearn, stress], ids=["relearn", "stress"])
@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [row[1:2] + row[3:] for row in REFUSED if row[0] in ("executor", "workers", "gpus")],
    ids=["executor", "workers", "gpus"],
)
def test_attacks_refuse_the_same(
    attack: Callable[..., object],
    options: dict[str, Any],
    kind: type[UnlearnbenchError],
    words: str,
    benchmark_folder: Path,
) -> None:
    with pytest.raises(kind, match=words):
        attack("x", str(benchmark_folder), executor_options=ExecutorOptions(**options))


def test_workers_are_not_started_by_one_of_several_processes(
    benchmark_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("RANK", "1"), ("WORLD_SIZE", "2"), ("LOCAL_RANK", "1")):
        monkeypatch.setenv(name, value)
    with pytest.raises(TrainingError, match="starts its own processes: leave torchrun out"):
        relearn("x", str(benchmark_folder), executor_options=ExecutorOptions("ray"))


@pytest.mark.parametrize("address", ["head", "ray://h:10001", "h:", ":6379", "h:x"])
def test_an_address_has_a_host_and_a_port(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from unlearnbench.executors.ray import cluster

    class NotConnected:
        is_initialized = staticmethod(lambda: False)

    monkeypatch.setitem(sys.modules, "ray", NotConnected)  # type: ignore[arg-type]
    with pytest.raises(EngineError, match=f"--ray-address {address}: give HOST:PORT"):
        cluster.connect(ExecutorOptions("ray", ray_address=address))


@pytest.mark.parametrize(("text", "number"), [("0", 0.0), ("0.5", 0.5), ("2", 2.0)])
def test_gpus(text: str, number: float) -> None:
    assert gpus(text) == number


@pytest.mark.parametrize("text", ["-1", "1.5", "many", "nan", "inf"])
def test_no_number_of_gpus(text: str) -> None:
    with pytest.raises(ValueError, match="give 0, a part of a card"):
        gpus(text)


def ready(**changes: Any) -> Ready:
    return Ready(replace(ScriptedEngine("x", EngineOptions()).info, **changes), False, "card")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fingerprint": "f" * 64}, "fingerprint ffffffffffff… instead of"),
        ({"settings": {"dtype": "bfloat16"}}, "dtype bfloat16 instead of float32"),
        ({"prompt_format": "raw"}, "prompt_format raw instead of chat"),
        ({"surroundings": None}, "surroundings None instead of"),
    ],
    ids=["weights", "dtype", "prompts", "surroundings"],
)
def test_workers_that_differ_are_refused(changes: dict[str, Any], words: str) -> None:
    check_ready(ready(), ready(), "here")
    with pytest.raises(EngineError, match=f"worker on there runs something else: {words}"):
        check_ready(ready(**changes), ready(), "there")


def test_libraries_and_python_must_be_the_same() -> None:
    own = surrounding()
    check_surrounding(own, own)
    other = replace(own, host="node-7", python="3.99.0", versions={**own.versions, "torch": None})
    with pytest.raises(EngineError, match=r"node-7 has Python 3\.99\.0 \(here .*torch None"):
        check_surrounding(other, own)
    with pytest.raises(EngineError, match="unlearnbench's files 000000000000"):
        check_surrounding(replace(own, code="0" * 64), own)


def test_the_checkpoint_is_the_one_that_lies_here() -> None:
    check_checkpoint(ready(), None)
    check_checkpoint(ready(), ready().info.fingerprint)
    with pytest.raises(CheckpointError, match="the same path holds different files"):
        check_checkpoint(ready(), "0" * 64)


@pytest.mark.usefixtures("scripted")
def test_a_worker_sends_what_its_engine_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    from unlearnbench.executors.ray import worker as module

    worker = Worker()
    made = worker.load(EngineRecipe("scripted", "knows-all", EngineOptions()), {"dtype": "float32"})
    assert made.info.checkpoint == "knows-all"
    assert worker.prompts_fingerprint(PROBES) is not None
    (part,) = worker.answer(PROBES, Sampling())
    assert [result.key for result in part.results] == KEYS
    assert part.last
    monkeypatch.setattr(module, "REPORTED_S", 0.0)
    *parts, last = worker.answer(PROBES, Sampling())
    assert [result.key for part in parts for result in part.results] == KEYS
    assert not any(part.last for part in parts)
    assert last.last
