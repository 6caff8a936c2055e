"""Round-to-nearest quantisation of weights, put back into floating point.

Each takes a weight `[out, in]` to the nearest values that the format can hold, in the weight's own
data type. Nothing is random and sums are not involved, so the bits are the same on every run.
Quantising what is quantised changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import nn

INT4_GROUP = 32
NF4_BLOCK = 64

NF4_LEVELS = (
    -1.0,
    -0.6961928009986877,
    -0.5250730514526367,
    -0.39491748809814453,
    -0.28444138169288635,
    -0.18477343022823334,
    -0.09105003625154495,
    0.0,
    0.07958029955625534,
    0.16093020141124725,
    0.24611230194568634,
    0.33791524171829224,
    0.44070982933044434,
    0.5626170039176941,
    0.7229568362236023,
    1.0,
)
"""Quantiles of a normal distribution, scaled to [-1, 1], with an exact 0 (Dettmers et al. 2023,
arXiv 2305.14314, appendix E)."""


def int8(weight: torch.Tensor) -> torch.Tensor:
    """Symmetric 8 bits with one scale an output row, as LLM.int8() and torchao store weights.

    The error is at most half a step, max|row| / 254.
    """
    return _symmetric(weight, 127)


def int4(weight: torch.Tensor) -> torch.Tensor:
    """Symmetric 4 bits with one scale for each 32 weights of a row.

    The error is at most half a step, max|group| / 14.
    """
    return _grouped(weight, INT4_GROUP, lambda groups: _symmetric(groups, 7))


def nf4(weight: torch.Tensor) -> torch.Tensor:
    """NormalFloat, 16 levels scaled by the largest magnitude of each 64 weights.

    The error is at most half the widest gap between levels, 0.152 times that magnitude.
    """
    return _grouped(weight, NF4_BLOCK, _to_levels)


def _symmetric(rows: torch.Tensor, steps: int) -> torch.Tensor:
    """Each row on a grid of 2 · steps + 1 values whose ends are ± its largest magnitude."""
    exact = rows.double()
    scale = exact.abs().amax(dim=-1, keepdim=True) / steps
    whole = torch.round(exact / torch.where(scale > 0, scale, 1.0)).clamp(-steps, steps)
    return (whole * scale).to(rows.dtype)


def _to_levels(rows: torch.Tensor) -> torch.Tensor:
    levels = torch.tensor(NF4_LEVELS, dtype=torch.float64, device=rows.device)
    borders = (levels[1:] + levels[:-1]) / 2
    exact = rows.double()
    scale = exact.abs().amax(dim=-1, keepdim=True)
    index = torch.bucketize(exact / torch.where(scale > 0, scale, 1.0), borders)
    return (levels[index] * scale).to(rows.dtype)


def _grouped(
    weight: torch.Tensor, size: int, quantise: Callable[[torch.Tensor], torch.Tensor]
) -> torch.Tensor:
    """`quantise` groups of `size` along the last dimension; a short last one is a group too."""
    whole = weight.shape[-1] // size * size
    head = weight[..., :whole]
    parts = [quantise(head.reshape(-1, size)).reshape(head.shape)] if whole else []
    if whole < weight.shape[-1]:
        parts.append(quantise(weight[..., whole:]))
    return torch.cat(parts, dim=-1)


QUANTIZERS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "int8": int8,
    "int4": int4,
    "nf4": nf4,
}


@torch.no_grad()
def quantise_model(model: nn.Module, name: str, head: nn.Module | None) -> int:
    """Quantise the weight of every linear layer but the head, in place; how many there were.

    Embeddings, norms, biases and the language-model head stay, as in common practice.
    """
    layers = [
        module
        for module in model.modules()
        if _is_linear(module) and module is not head and not _shares(module, head)
    ]
    for layer in layers:
        weight = cast(torch.Tensor, layer.weight)
        # GPT-2's Conv1D stores its weight as [in, out].
        turned = type(layer).__name__ == "Conv1D"
        rows = weight.T.contiguous() if turned else weight
        quantised = QUANTIZERS[name](rows)
        weight.copy_(quantised.T if turned else quantised)
    return len(layers)


def _is_linear(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D"


def _shares(module: nn.Module, head: nn.Module | None) -> bool:
    return head is not None and module.weight is head.weight
