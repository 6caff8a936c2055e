"""One of several processes that train together: does a list of trainings, one after the other.

    RANK=0 WORLD_SIZE=2 … python -m tests.integration.sharing CASES.json

A case is `{"base", "data", "out", "method", "settings"}`; how it ended is written to
`<out>.<rank>.json`: the bytes of weights held between steps, and the error if there was one.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def start(
    words: Sequence[str], rank: int, count: int, port: int, **environment: str
) -> subprocess.Popen[str]:
    """A process of `count`, without a launcher that would end it when another ends."""
    own = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count)}
    own |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    own |= {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", **environment}
    return subprocess.Popen(
        [sys.executable, *words],
        cwd=ROOT,
        env={**os.environ, **own},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def together(words: Sequence[str], count: int = 2, timeout: float = 240) -> list[Any]:
    """Exit code, standard output and error of each of `count` processes."""
    port = free_port()
    started = [start(words, rank, count, port) for rank in range(count)]
    try:
        told = [process.communicate(timeout=timeout) for process in started]
    finally:
        for process in started:
            process.kill()
    return [(p.returncode, *texts) for p, texts in zip(started, told, strict=True)]


def main(cases: Sequence[Mapping[str, Any]]) -> None:
    """Do all cases; an error ends its case alone, as it ends it in all processes."""
    import unlearnbench
    from unlearnbench.errors import UnlearnbenchError
    from unlearnbench.training import trainer
    from unlearnbench.training.sharding import local_bytes
    from unlearnbench.types.options import RunOptions, TrainOptions

    held: list[int] = []
    real = trainer.shard

    def shard(model: Any, *rest: Any) -> None:
        real(model, *rest)
        held.append(local_bytes(model))

    trainer.shard = shard
    for case in cases:
        held.clear()
        error = None
        try:
            unlearnbench.train(
                case["base"],
                case["data"],
                method=case["method"],
                train_options=TrainOptions(settings=case["settings"], device="cpu"),
                run_options=RunOptions(case["out"]),
            )
        except UnlearnbenchError as raised:
            error = f"{type(raised).__name__}: {raised}"
        result = {"held": held, "error": error}
        Path(f"{case['out']}.{os.environ['RANK']}.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text("utf-8")))
