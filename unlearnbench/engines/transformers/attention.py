"""Attention over packed tokens and a slot cache, plugged into `transformers`.

A step hands the model one flat row of tokens, `[1, tokens]`: new prompts and single decoded tokens
side by side, without padding, so that the matrix products (nearly all of the arithmetic) see only
useful rows. Only attention needs to know which token belongs to which row; `packed_attention` does,
through the `Step` that travels with the forward call.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn import functional
from transformers import AttentionInterface

from unlearnbench.engines.transformers.cache import SlotCache

NAME = "unlearnbench_packed"


class UnsupportedAttentionError(Exception):
    """The model asks for a kind of attention that the packed path does not compute."""


@dataclass
class Segment:
    """Rows of one step that bring the same (padded) number of new tokens.

    `slots` `[rows]`; `tokens` `[rows, width]` indexes the flat tokens, padded by repetition;
    `positions` `[rows, width]` the queries' positions; `flat` `[n]` and `cells` `[n]` map the real
    cells of the `rows * width` grid to flat tokens. `length` is the number of key positions needed.
    `whole`: the step is this segment, one token a row, and `contiguous`; its tensors that would
    map cells to tokens are not read.
    """

    slots: torch.Tensor
    tokens: torch.Tensor
    positions: torch.Tensor
    cells: torch.Tensor
    flat: torch.Tensor
    length: int
    contiguous: bool
    whole: bool = False
    _masks: dict[int | None, torch.Tensor] = field(default_factory=dict)

    def mask(self, window: int | None, groups: int, dtype: torch.dtype) -> torch.Tensor:
        """Additive mask `[rows, 1, groups * width, length]`: causal, within `window` if given."""
        if window not in self._masks:
            keys = torch.arange(self.length, device=self.positions.device)
            queries = self.positions[:, None, :, None]
            allowed = keys <= queries
            if window is not None:
                allowed = allowed & (keys > queries - window)
            mask = torch.zeros(allowed.shape, dtype=dtype, device=keys.device)
            mask.masked_fill_(~allowed, torch.finfo(dtype).min)
            self._masks[window] = mask.repeat(1, 1, groups, 1)
        return self._masks[window]


@dataclass
class Step:
    """Everything attention needs for one forward call."""

    cache: SlotCache
    slots: torch.Tensor
    positions: torch.Tensor
    segments: list[Segment]


def packed_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    softcap: float | None = None,
    packed_step: Step | None = None,
    **other: Any,
) -> tuple[torch.Tensor, None]:
    """Attend from packed queries `[1, heads, tokens, dim]`; returns `[1, tokens, heads, dim]`.

    Raises `UnsupportedAttentionError` when the model asks for something else than causal,
    optionally windowed, optionally soft-capped attention.
    """
    # A mask would carry a bias of the model's own (ALiBi): transformers makes none for this name.
    peculiar = attention_mask is not None or other.get("s_aux") is not None
    if packed_step is None or dropout or peculiar:
        raise UnsupportedAttentionError(type(module).__name__)
    step, layer = packed_step, int(module.layer_idx)  # type: ignore[arg-type]
    queries = query[0].transpose(0, 1)
    tokens, heads, dim = queries.shape
    keys, values = key[0].transpose(0, 1), value[0].transpose(0, 1)
    step.cache.write(layer, step.slots, step.positions, keys, values)
    kv_heads = keys.shape[1]
    scale = dim**-0.5 if scaling is None else scaling
    if step.segments[0].whole:
        grid = queries.reshape(tokens, kv_heads, heads // kv_heads, dim)
        out = _scores(step.segments[0], step.cache, layer, grid, scale, sliding_window, softcap)
        return out.reshape(1, tokens, heads, -1), None
    result = queries.new_empty(tokens, heads, values.shape[-1])
    for segment in step.segments:
        _attend(
            segment, step.cache, layer, queries, result, kv_heads, scale, sliding_window, softcap
        )
    return result[None], None


def _attend(
    segment: Segment,
    cache: SlotCache,
    layer: int,
    queries: torch.Tensor,
    result: torch.Tensor,
    kv_heads: int,
    scale: float,
    window: int | None,
    softcap: float | None,
) -> None:
    """Compute one segment's attention into `result`.

    Grouped-query heads are folded into the query axis: the `groups` query heads of one key head
    become `groups * width` queries, so keys and values are never repeated in memory.
    """
    rows, width = segment.tokens.shape
    heads, dim = queries.shape[1:]
    groups = heads // kv_heads
    grid = queries[segment.tokens]
    grid = grid.view(rows, width, kv_heads, groups, dim).permute(0, 2, 3, 1, 4)
    grid = grid.reshape(rows, kv_heads, groups * width, dim)
    out = _scores(segment, cache, layer, grid, scale, window, softcap)
    out = out.view(rows, kv_heads, groups, width, -1).permute(0, 3, 1, 2, 4)
    result[segment.flat] = out.reshape(rows * width, heads, -1)[segment.cells]


def _scores(
    segment: Segment,
    cache: SlotCache,
    layer: int,
    grid: torch.Tensor,
    scale: float,
    window: int | None,
    softcap: float | None,
) -> torch.Tensor:
    """Attention of a grid `[rows, kv_heads, groups * width, dim]` over its rows' slots."""
    rows, _, queries, _ = grid.shape
    which = slice(0, rows) if segment.contiguous else segment.slots
    keys = cache.data[layer, 0][which, :, : segment.length]
    values = cache.data[layer, 1][which, :, : segment.length]
    mask = segment.mask(window, queries // segment.tokens.shape[1], grid.dtype)
    if softcap is None:
        return functional.scaled_dot_product_attention(grid, keys, values, mask, scale=scale)
    scores = torch.tanh(grid @ keys.transpose(2, 3) * (scale / softcap)) * softcap + mask
    return torch.softmax(scores, dim=-1, dtype=torch.float32).to(values.dtype) @ values


@contextmanager
def any_shape() -> Iterator[None]:
    """Attention on a GPU without cuDNN, which makes a plan for every new shape.

    A plan takes longer than hundreds of calls, and here nearly every call has a shape of its own.
    """
    before = torch.backends.cuda.cudnn_sdp_enabled()  # type: ignore[no-untyped-call]
    torch.backends.cuda.enable_cudnn_sdp(False)
    try:
        yield
    finally:
        torch.backends.cuda.enable_cudnn_sdp(before)


def register() -> None:
    """Make the function known to `transformers` under `NAME`. Idempotent."""
    AttentionInterface.register(NAME, packed_attention)
