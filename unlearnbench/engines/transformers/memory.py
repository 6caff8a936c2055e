"""How many rows fit: found from the memory that is free, not fixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psutil
import torch

from unlearnbench.engines.transformers.cache import KVShape

CACHE_SHARE = 0.5
"""Share of the free memory that the cache may take; activations and logits need the rest."""
MOST_ROWS = {"cpu": 96, "mps": 128, "cuda": 512}
"""More rows at a time than this gain no speed: the matrix products are already full."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """Limits of a batch: `rows` at a time, and `cache_tokens` positions over all of them."""

    rows: int
    cache_tokens: int

    def slots(self, longest: int, prompts: int) -> int:
        """Rows that run at a time when the longest needs `longest` positions."""
        return max(1, min(self.rows, self.cache_tokens // longest, prompts))

    def halved(self) -> Capacity:
        """Half of both, for a machine that turned out to have less."""
        return Capacity(max(1, self.rows // 2), self.cache_tokens // 2)


def free_bytes(device: torch.device) -> int:
    """Memory that can still be had on `device`, in bytes."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type == "mps":
        most = torch.mps.recommended_max_memory()
        return max(0, most - torch.mps.driver_allocated_memory())
    return int(psutil.virtual_memory().available)


def find_capacity(
    shape: KVShape, dtype: torch.dtype, devices: Sequence[torch.device], rows: int | None
) -> Capacity:
    """The capacity of `devices` now; `rows` overrides the number of rows.

    Layers on several devices keep their own parts of the cache; the fullest device decides, as if
    it kept all of it.
    """
    free = min(free_bytes(device) for device in devices)
    tokens = int(free * CACHE_SHARE) // shape.bytes_per_token(dtype)
    return Capacity(rows or MOST_ROWS.get(devices[0].type, MOST_ROWS["cpu"]), tokens)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception means that memory ran out, on any device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and (
        "out of memory" in text or "can't allocate memory" in text or "not enough memory" in text
    )
