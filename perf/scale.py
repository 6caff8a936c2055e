"""What workers bring: two Ray workers against one, and one against none.

    python perf/scale.py [--probes 768] [--threads 1] [--rounds 1] [--checkpoint NAME] [--json]

Every variant answers the same blocks of the `standard` plan of `wkf` with one checkpoint, in a
process of its own and after its workers have loaded it; models are loaded before the clock starts.
Variants take turns, `--rounds` times, and the fastest of each counts, because other work on a
machine only ever slows one down. Answers must be the same in all of them.

    alone   no executor: this process answers
    one     `--executor ray` with one worker
    two     with two workers
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator

from peers import CHECKPOINT

from unlearnbench.api.engines import engine_maker
from unlearnbench.benchmark import load_benchmark
from unlearnbench.executors.blocks import Task
from unlearnbench.executors.local import answer_tasks
from unlearnbench.hashing import sha256_json
from unlearnbench.protocol.plan import BLOCK_PROBES, Plan, make_plan
from unlearnbench.protocol.profiles import get_profile
from unlearnbench.runs.codec import completion_record
from unlearnbench.types import Sampling
from unlearnbench.types.execution import ExecutorOptions
from unlearnbench.types.options import EngineOptions

VARIANTS = {"alone": 0, "one": 1, "two": 2}
ENGINE = EngineOptions(device="cpu", dtype="bfloat16", batch_size=96)


def tasks_of(probes: int) -> list[Task]:
    """The first blocks of the plan, so many that they hold the probes."""
    plan: Plan = make_plan(load_benchmark("wkf"), get_profile("standard"), "chat")
    blocks = plan.blocks()[: -(-probes // BLOCK_PROBES)]
    return [Task(block, frozenset(probe.key for probe in block)) for block in blocks]


def answer(variant: str, checkpoint: str, probes: int) -> dict[str, object]:
    """Seconds of one variant in this process, and the digest of all of its answers."""
    workers, tasks = VARIANTS[variant], tasks_of(probes)
    execution = ExecutorOptions("ray", workers=workers, worker_cpus=1)
    with engine_maker(
        "transformers", checkpoint, ENGINE, execution if workers else ExecutorOptions()
    ) as make:
        made = time.perf_counter()
        generator = make()
        began = time.perf_counter()
        results = dict(_lines(answer_tasks(generator, tasks, Sampling(), lambda _: None)))
        seconds = time.perf_counter() - began
    start = began - made
    return {
        "start": start,
        "seconds": seconds,
        "probes": len(results),
        "digest": sha256_json(results),
    }


def _lines(results: Iterator[tuple[Task, object]]) -> Iterator[tuple[str, object]]:
    for _, block in results:
        for key, result in block.items():  # type: ignore[attr-defined]
            yield str(key), completion_record(result)


def apart(variant: str, arguments: argparse.Namespace) -> dict[str, object]:
    """A variant in a process of its own, with the threads that a worker has too."""
    command = [sys.executable, __file__, "--variant", variant, "--probes", str(arguments.probes)]
    command += ["--checkpoint", arguments.checkpoint]
    env = {**os.environ, "OMP_NUM_THREADS": str(arguments.threads)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    figures: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--probes", type=int, default=2 * BLOCK_PROBES)
    parser.add_argument("--checkpoint", default=CHECKPOINT)
    parser.add_argument("--threads", type=int, default=1, help="of each worker")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--variant", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.variant:
        print(json.dumps(answer(arguments.variant, arguments.checkpoint, arguments.probes)))
        return
    runs = [(name, apart(name, arguments)) for _ in range(arguments.rounds) for name in VARIANTS]
    if len({run["digest"] for _, run in runs}) > 1:
        raise SystemExit("the variants gave different answers")
    best = {name: min(float(str(r["seconds"])) for n, r in runs if n == name) for name in VARIANTS}
    figures = {
        "probes": runs[0][1]["probes"],
        "threads": arguments.threads,
        "load": os.getloadavg()[1],
        **{f"{name}_s": round(seconds, 1) for name, seconds in best.items()},
        **{f"start_{name}_s": round(float(str(run["start"])), 1) for name, run in runs},
        "speedup": round(best["one"] / best["two"], 2),
        "overhead": round(best["one"] / best["alone"] - 1, 3),
    }
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, seconds in best.items():
        print(f"{name:6} {seconds:7.1f} s")
    print(f"two workers against one: {figures['speedup']} ×")
    print(f"one worker against none: {figures['overhead']:+.1%} time")


if __name__ == "__main__":
    main()
