"""What every attack belongs to."""

from __future__ import annotations

from unlearnbench.benchmark import Benchmark
from unlearnbench.checkpoints.resolve import Checkpoint
from unlearnbench.interfaces import Judge
from unlearnbench.types import Setting
from unlearnbench.types.options import EngineOptions, engine_identity


def asked_fields(checkpoint: Checkpoint, options: EngineOptions) -> dict[str, Setting]:
    """The fields that say which checkpoint is asked and how, in an attack's runs as in its own."""
    other = checkpoint.tokenizer
    return {
        "checkpoint": checkpoint.fingerprint,
        **({"tokenizer": other.fingerprint} if other is not None else {}),
        **engine_identity(options),
    }


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
        **asked_fields(checkpoint, options),
        "base": base.fingerprint if base else None,
        "benchmark": benchmark.id,
        "benchmark_version": benchmark.version,
        "benchmark_fingerprint": benchmark.fingerprint,
        "limit": limit,
        "judge": judge.name,
        "judge_identity": judge.identity,
    }
