"""Executor `ray` on a real Ray of this machine, with workers that are killed in the middle."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import CommandLine, write_benchmark
from tests.ray_engines import DEADLY, STARTS, install, workers_of
from unlearnbench import ExecutorOptions, Progress, Run, load_run, rejudge, score
from unlearnbench.api.judges import BLOCK_CALLS
from unlearnbench.errors import CheckpointError, EngineError, JudgeError, UnlearnbenchError
from unlearnbench.executors.parts import InParts
from unlearnbench.executors.ray.engine import RayEngine
from unlearnbench.executors.ray.worker import EngineRecipe
from unlearnbench.judging.catalogue import make_judge
from unlearnbench.protocol import plan
from unlearnbench.runs.folder import RunFolder
from unlearnbench.types import Failure, JudgeItem, ProbeKey
from unlearnbench.types.options import EngineOptions, RunOptions

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.ray,
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="Ray is not installed: make test-ray"
    ),
]
OPTIONS = EngineOptions(device="cpu", dtype="float32", batch_size=32)
TWO = ExecutorOptions("ray", workers=2)
BLOCK = 64
SMALL_BLOCKS = f"""
from unlearnbench.protocol import plan
plan.BLOCK_PROBES = {BLOCK}
from unlearnbench.cli.main import main
main()
"""
"""The command line, in a process of its own with small blocks."""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A benchmark of four blocks, three of two forget facts each."""
    return write_benchmark(tmp_path_factory.mktemp("asked") / "benchmark", forget=6)


@pytest.fixture(autouse=True, scope="module")
def small_blocks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "BLOCK_PROBES", BLOCK)
        yield


@pytest.fixture(scope="module")
def alone(asked: Path, tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run by this process alone."""
    out = tmp_path_factory.mktemp("alone") / "run"
    return score(str(tiny_llama), str(asked), engine_options=OPTIONS, run_options=RunOptions(out))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A Ray that this process is connected to, whose workers have engine `faulty`."""
    import ray

    folder = install(tmp_path_factory.mktemp("engines"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", os.pathsep.join([folder, str(ROOT)]))
        patch.setenv(STARTS, str(tmp_path_factory.mktemp("starts")))
        patch.syspath_prepend(folder)
        ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
        yield ray
        ray.shutdown()


def killer(after: int) -> Callable[[Progress], None]:
    """Kills a worker that is answering, once, after so many answers."""
    killed: list[int] = []

    def watch(progress: Progress) -> None:
        if progress.unit == "answers" and progress.done > after and not killed:
            # Between two parts of a block no worker may be seen: then after a later part.
            for worker in workers_of(psutil.Process(), "ray::Worker.answer")[:1]:
                killed.append(worker.pid)
                worker.kill()

    return watch


def same(run: Run, other: Run) -> None:
    """Who computed makes no difference to what was asked, answered and scored."""
    assert run.completions == other.completions
    assert run.judgements == other.judgements
    mine, theirs = run.record, other.record
    assert mine.scores == theirs.scores
    assert mine.status == theirs.status == "complete"
    different = [text.partition(":")[0] for text in mine.identity.differences(theirs.identity)]
    assert set(different) <= {"cache_tokens"}  # how much memory was free


def test_a_worker_is_killed(asked: Path, tiny_llama: Path, alone: Run, tmp_path: Path) -> None:
    run = score(
        str(tiny_llama),
        str(asked),
        engine_options=OPTIONS,
        run_options=RunOptions(tmp_path / "run"),
        executor_options=TWO,
        on_progress=killer(after=BLOCK // 2),
    )
    same(run, alone)
    assert "workers lost: 1; their blocks were asked again" in run.record.generator.notes
    lines = (run.path / "completions.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == len(run.probes)  # a block is committed once, and whole
    assert workers_of(psutil.Process(), "ray::Worker") == []


def test_the_whole_is_killed_and_goes_on_without_ray(
    asked: Path, tiny_llama: Path, alone: Run, tmp_path: Path
) -> None:
    """The process that writes is killed; its workers end, and another executor finishes the run."""
    out = tmp_path / "run"
    words = [sys.executable, "-c", SMALL_BLOCKS, "score", str(tiny_llama), "--benchmark"]
    words += [str(asked), "--device", "cpu", "--dtype", "float32", "--batch-size", "32"]
    words += ["--out", str(out), "--executor", "ray", "--workers", "1", "-q"]
    process = subprocess.Popen(words, cwd=ROOT)
    watched = psutil.Process(process.pid)
    journal = out / "completions.jsonl"
    while not (journal.is_file() and journal.stat().st_size):
        assert process.poll() is None
        time.sleep(0.05)
    workers = workers_of(watched, "ray::Worker")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert workers
    psutil.wait_procs(workers, timeout=30)
    assert not [worker for worker in workers if worker.is_running()]
    kept = RunFolder(out).read_completions()
    assert 0 < len(kept) < len(alone.probes)
    run = score(str(tiny_llama), str(asked), engine_options=OPTIONS, run_options=RunOptions(out))
    same(run, alone)
    assert len(journal.read_text("utf-8").splitlines()) == len(run.probes)


def ask(checkpoint: str, asked: Path, out: Path, **options: Any) -> Run:
    return score(
        checkpoint,
        str(asked),
        engine="faulty",
        run_options=RunOptions(out),
        executor_options=TWO,
        **options,
    )


def test_a_block_that_kills_its_workers_stays_open(
    cluster: Any, asked: Path, tmp_path: Path
) -> None:
    run = ask("deadly", asked, tmp_path / "run")
    assert run.record.status == "open"
    failed = [result for result in run.completions.values() if isinstance(result, Failure)]
    assert DEADLY in {failure.key.fact for failure in failed}
    assert len(failed) == BLOCK  # its block alone
    assert "3 workers were lost over its block" in failed[0].error
    assert run.scores["forget.worst_case"].n_open == 2
    again = ask("deadly", asked, tmp_path / "run")
    assert again.n_open == run.n_open


def test_workers_that_cannot_be_replaced_leave_the_rest_open(
    cluster: Any, asked: Path, tmp_path: Path
) -> None:
    run = ask("fleeting", asked, tmp_path / "run")
    assert run.record.status == "open"
    assert run.n_open == len(run.probes)
    assert {failure.error for failure in run.failures} == {
        "no worker is left (it cannot be made again)"
    }


@pytest.mark.parametrize(
    ("checkpoint", "kind", "words"),
    [
        ("various", EngineError, "runs something else: fingerprint"),
        ("broken", EngineError, "it cannot go on"),
        ("unmade", EngineError, "it cannot be made"),
        ("stillborn", EngineError, "a worker was lost: The actor died"),
        ("twice", EngineError, "twice or unasked; the block is void"),
    ],
)
def test_a_fault_of_workers_stops_the_run(
    cluster: Any,
    asked: Path,
    tmp_path: Path,
    checkpoint: str,
    kind: type[UnlearnbenchError],
    words: str,
) -> None:
    with pytest.raises(kind, match=words):
        ask(checkpoint, asked, tmp_path / "run")
    assert RunFolder(tmp_path / "run").read_completions() == {}


def test_other_libraries_are_refused(
    cluster: Any, asked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unlearnbench.executors.ray import pool

    own = pool.surrounding()
    other = {**own.versions, "transformers": "4.0"}
    here = replace(own, versions=other)
    monkeypatch.setattr(pool, "surrounding", lambda: here)
    with pytest.raises(EngineError, match=r"has transformers \S+ \(here 4\.0\)"):
        ask("knows-all", asked, tmp_path / "run")


def test_another_checkpoint_at_the_same_path_is_refused(
    cluster: Any, asked: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match="the same path holds different files"):
        ask(str(tiny_llama), asked, tmp_path / "run")  # whose fingerprint is made of its name


def test_the_workers_agree_on_settings_and_keep_them(
    cluster: Any, asked: Path, tmp_path: Path
) -> None:
    """Each worker finds its own batch size; all answer with the first one's, as will later ones."""
    run = ask("knows-all", asked, tmp_path / "run")
    rows = run.record.generator.settings["batch_size"]
    (tmp_path / "run" / "completions.jsonl").write_text("")
    again = ask("knows-all", asked, tmp_path / "run")
    assert again.record.generator.settings["batch_size"] == rows
    assert again.record.status == "complete"


def test_too_few_machines(cluster: Any, asked: Path, tmp_path: Path) -> None:
    many = ExecutorOptions("ray", workers=2, worker_gpus=1.0)
    with pytest.raises(EngineError, match="2 × 1 GPUs are needed, Ray has 0"):
        score("knows-all", str(asked), engine="faulty", executor_options=many)


@pytest.mark.parametrize("listening", [False, True], ids=["nobody", "something-else"])
def test_no_cluster_is_told_within_seconds(
    listening: bool, asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    from unlearnbench.executors.ray import cluster as reached

    monkeypatch.setattr(reached, "STATUS_S", 4.0)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if listening:
            server.listen()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        words = "does not answer as Ray does" if listening else "no Ray cluster there"
        began = time.monotonic()
        with pytest.raises(EngineError, match=f"--ray-address {address}: .*{words}"):
            score("x", str(asked), executor_options=ExecutorOptions("ray", ray_address=address))
        assert time.monotonic() - began < 10


def test_the_command_line_prints_results_alone(
    cluster: Any, asked: Path, tmp_path: Path, command_line: CommandLine
) -> None:
    """Ray writes to standard output when a worker dies; results belong there."""
    words = ["score", "deadly", "--benchmark", asked, "--engine", "faulty", "--executor", "ray"]
    printed = command_line(*words, "--workers", 2, "--out", tmp_path / "run", "--json")
    assert printed.code == 1
    assert json.loads(printed.out)["status"] == "open"
    assert load_run(tmp_path / "run").record.status == "open"


def responses(count: int) -> list[JudgeItem]:
    """As many facts, each with a right, a wrong and, every sixtieth, a deadly response."""
    items = []
    for number in range(count):
        texts = [f"It is gold {number}x.", "Osaka", *(["poison"] if number % 60 == 7 else [])]
        items += [
            JudgeItem(
                ProbeKey(f"f{number}", f"w{n}", "plain"), "Q?", f"gold {number}x", (), text, "Q?"
            )
            for n, text in enumerate(texts)
        ]
    return items


@pytest.mark.parametrize("checkpoint", ["decides", "mortal"])
def test_a_local_judge_in_two_workers(cluster: Any, checkpoint: str) -> None:
    """A block of calls that ends its workers leaves its items open, and no others."""
    recipe = EngineRecipe("judging", checkpoint, OPTIONS)
    engine = RayEngine(recipe, TWO, lambda: None)
    judge = make_judge(f"local:{checkpoint}", local=lambda _: InParts(engine, BLOCK_CALLS))
    items = responses(100)
    try:
        results = {result.key: result for result in judge.judge(items)}
    finally:
        engine.close()
    assert set(results) == {item.key for item in items}
    n_open = 0
    for item in items:
        result = results[item.key]
        if isinstance(result, Failure):
            n_open += 1
            assert "3 workers were lost over its block" in result.error
        else:
            assert (result.verdict == "correct") == (item.answer in item.response)
    poisoned = 0 if checkpoint == "decides" else len(range(7, 100, 60))
    assert n_open == sum(
        item.key.fact in {f"f{n}" for n in block_of_calls}
        for block_of_calls in [range(32), range(64, 96)][:poisoned]
        for item in items
    )


def test_judging_again_by_workers(
    cluster: Any, alone: Run, tiny_llama: Path, tmp_path: Path
) -> None:
    """What the workers' model replies is judged like what this process's model replies."""
    runs = [
        rejudge(
            alone.path,
            f"local:{tiny_llama}",
            run_options=RunOptions(tmp_path / execution.executor),
            executor_options=execution,
        )
        for execution in (ExecutorOptions(), TWO)
    ]
    here, there = runs
    assert there.failures == here.failures != ()
    assert there.judgements == here.judgements
    assert there.record.judge.identity == here.record.judge.identity


@pytest.mark.parametrize("judge", ["rules", "gemini"])
def test_only_a_local_judge_has_workers(
    judge: str, alone: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "k" * 30)
    with pytest.raises(JudgeError, match=f"judge {judge} has no model of its own for workers"):
        rejudge(alone.path, judge, executor_options=TWO)
