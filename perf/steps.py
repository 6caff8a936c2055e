"""Where the time of the engine goes: kernels, their launches, or the host between them.

    python perf/steps.py [--device cuda] [--dtype auto] [--blocks 1]

Decodes blocks of the `standard` plan of `wkf` with the engine, three times and once more under
PyTorch's profiler, and prints seconds, steps, the time that kernels ran, their number, and the
operators that took most.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import torch
from peers import CHECKPOINT, NEW_TOKENS
from torch.profiler import ProfilerActivity, profile

from unlearnbench.benchmark import load_benchmark
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.engines.transformers.packed import PackedDecoder
from unlearnbench.protocol.plan import Plan, make_plan
from unlearnbench.protocol.profiles import get_profile
from unlearnbench.types import Sampling
from unlearnbench.types.options import EngineOptions


def main() -> None:
    """Profile and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--blocks", type=int, default=1)
    parser.add_argument("--top", type=int, default=15, help="operators to print")
    arguments = parser.parse_args()
    options = EngineOptions(device=arguments.device, dtype=arguments.dtype)
    engine = TransformersEngine(CHECKPOINT, options)
    plan = make_plan(load_benchmark("wkf"), get_profile("standard"), "chat")
    for _ in range(3):  # a step that comes back is captured, which takes time
        alone, steps, count = answer(engine, plan, arguments.blocks)
    print(f"{count} probes, {steps} steps, {alone:.3f} s without the profiler")
    kinds = [ProfilerActivity.CPU]
    if engine.device.type == "cuda":
        kinds.append(ProfilerActivity.CUDA)
    with profile(activities=kinds) as trace:
        watched, steps, _ = answer(engine, plan, arguments.blocks)
    print(f"under the profiler {watched:.3f} s, {steps} steps")
    averages = trace.key_averages()
    if engine.device.type == "cuda":
        kernels = [e for e in averages if e.device_type == torch.autograd.DeviceType.CUDA]
        busy = sum(e.self_device_time_total for e in kernels) / 1e6
        each = sum(e.count for e in kernels) / steps
        print(f"kernels ran {busy:.3f} s ({busy / alone:.0%} of the time), {each:.0f} a step")
    for key in ("self_cpu_time_total", "self_cuda_time_total"):
        print(averages.table(sort_by=key, row_limit=arguments.top, max_name_column_width=60))


def answer(engine: TransformersEngine, plan: Plan, blocks: int) -> tuple[float, int, int]:
    """Seconds, steps and probes of the plan's first blocks."""
    calls = 0
    decoder = engine.decoder
    assert isinstance(decoder, PackedDecoder)
    step = decoder._forward

    def counted(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        return step(*arguments)

    decoder._forward = counted  # type: ignore[method-assign]
    probes = 0
    began = time.perf_counter()
    for block in plan.blocks()[:blocks]:
        probes += sum(1 for _ in engine.generate(block, Sampling(NEW_TOKENS)))
    if engine.device.type == "cuda":
        torch.cuda.synchronize(engine.device)
    seconds = time.perf_counter() - began
    del decoder._forward  # the class's own again
    return seconds, calls, probes


if __name__ == "__main__":
    main()
