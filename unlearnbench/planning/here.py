"""This machine, measured for a moment: memory, a large product, and memory read."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil
import torch

from unlearnbench.engines.transformers.loading import choose_device, choose_dtype
from unlearnbench.engines.transformers.memory import free_bytes
from unlearnbench.planning.machines import Machine, known_machines

_TRIES = 5
_SIDE = {"cpu": 1536, "cuda": 8192}
_WORDS = 1 << 24


def this_machine(device_name: str) -> Machine:
    """The device that `--device` means here. Its speed is taken in less than a second.

    Raises `EngineError` for a device that is not there.
    """
    device = choose_device(device_name)
    kind = "cuda" if device.type == "cuda" else "cpu"
    title = _title(device)
    alike = next((m for m in known_machines().values() if m.name.upper() in title.upper()), None)
    half = choose_dtype("auto", device) is torch.bfloat16
    return Machine(
        name="here",
        title=title,
        kind="cuda" if device.type == "cuda" else "cpu",
        count=1,
        memory_bytes=float(free_bytes(device)),
        bfloat16=_products(device, torch.bfloat16, _SIDE[kind]) if half else None,
        float32=_products(device, torch.float32, _SIDE[kind]),
        bandwidth=_reads(device),
        link=alike.link if alike else 32e9,
        origin="measured",
        price=alike.price if alike else None,
        price_date=alike.price_date if alike else "",
        fitted=alike.fitted if alike else "",
    )


def _title(device: torch.device) -> str:
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    cores = psutil.cpu_count(logical=False) or 1
    return f"this machine's {device.type} ({cores} cores, {torch.get_num_threads()} threads)"


def _products(device: torch.device, dtype: torch.dtype, side: int) -> float:
    a = torch.randn(side, side, device=device).to(dtype)
    return 2.0 * side**3 / _fastest(lambda: a @ a, device)


def _reads(device: torch.device) -> float:
    memory = torch.ones(_WORDS, device=device)  # written once: untouched pages are not memory
    return 4.0 * _WORDS / _fastest(lambda: memory.sum(), device)


def _fastest(act: Callable[[], torch.Tensor], device: torch.device) -> float:
    """Seconds of the fastest of some tries: other work on the machine only ever slows one down."""
    best = float("inf")
    for _ in range(_TRIES):
        began = time.perf_counter()
        act()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - began)
    return best
