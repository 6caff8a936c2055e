"""Key–value cache of fixed slots, written in place.

One tensor for the whole model: `[layers, 2, slots, kv_heads, capacity, head_dim]`. A slot holds one
row's keys and values by position; nothing is ever concatenated, so a step copies only the new
token's entries. Rows move between slots so that the live ones are always the first ones, which
makes the keys of all rows one view.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class KVShape:
    """Geometry of a model's cache, found by looking at what its attention is handed."""

    layers: int
    kv_heads: int
    head_dim: int

    def bytes_per_token(self, dtype: torch.dtype) -> int:
        """Bytes that one position of one row takes over all layers."""
        return self.layers * 2 * self.kv_heads * self.head_dim * dtype.itemsize


class SlotCache:
    """The tensor and the moves on it."""

    def __init__(
        self, shape: KVShape, slots: int, capacity: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        size = (shape.layers, 2, slots, shape.kv_heads, capacity, shape.head_dim)
        # Zeros, not empty: masked positions are multiplied by 0, and 0 * NaN is NaN.
        self.data = torch.zeros(size, dtype=dtype, device=device)

    def write(
        self,
        layer: int,
        slots: torch.Tensor,
        positions: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
    ) -> None:
        """Put `key` and `value`, each `[tokens, kv_heads, head_dim]`, where they belong."""
        keys, values = self.data[layer, 0], self.data[layer, 1]
        keys[slots, :, positions] = key
        values[slots, :, positions] = value

    def copy_out(self, slot: int, length: int) -> torch.Tensor:
        """A copy of the first `length` positions: `[layers, 2, kv_heads, length, head_dim]`."""
        return self.data[:, :, slot, :, :length].clone()

    def copy_in(self, slot: int, prefix: torch.Tensor) -> None:
        """Start a row from a stored prefix."""
        self.data[:, :, slot, :, : prefix.shape[3]] = prefix

    def clear(self, slot: int) -> None:
        """Forget a row that is not finite, which would reach the next row through its mask."""
        self.data[:, :, slot] = 0

    def move(self, source: int, target: int, length: int) -> None:
        """Let the row in `source` (of `length` positions) go on in `target`."""
        self.data[:, :, target, :, :length] = self.data[:, :, source, :, :length]
