"""What every attack belongs to."""

from __future__ import annotations

from unlearnbench.benchmark import Benchmark
from unlearnbench.checkpoints.resolve import Checkpoint
from unlearnbench.interfaces import Judge
from unlearnbench.types.options import EngineOptions, engine_identity


def shared_fields(
    checkpoint: Checkpoint,
    base: Checkpoint | None,
    benchmark: Benchmark,
    judge: Judge,
    limit: int | None,
    options: EngineOptions,
) -> dict[str, object]:
    """The fields that identities of stress and relearning runs have in common."""
    return {
        "checkpoint": checkpoint.fingerprint,
        "base": base.fingerprint if base else None,
        "benchmark": benchmark.id,
        "benchmark_version": benchmark.version,
        "benchmark_fingerprint": benchmark.fingerprint,
        "limit": limit,
        "judge": judge.name,
        "judge_identity": judge.identity,
        **engine_identity(options),
    }
