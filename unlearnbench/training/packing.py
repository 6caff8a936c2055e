"""Rows of a batch -> one row of tokens in which what all prompts share stands once.

A row attends to the shared prefix and to itself, under the position numbers that it would have on
its own, so hidden states and gradients are those of separate rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import torch
from transformers import PreTrainedConfig

from unlearnbench.training.batch import Row


@dataclass(frozen=True, slots=True)
class Packed:
    """Arguments of the model's forward call, and where to read its output.

    `places`: for each answer token, in the order of rows, the position `(row, column)` of the
    output that predicts it; both of shape `[N]`.
    """

    arguments: dict[str, Any]
    places: tuple[torch.Tensor, torch.Tensor]


def pack(rows: Sequence[Row], config: PreTrainedConfig, device: torch.device) -> Packed:
    """All rows side by side behind their common prefix: input `[1, T]`, mask `[1, 1, T, T]`."""
    shared = _common_prefix(rows)
    ids = list(rows[0].prompt[:shared])
    owner = [-1] * shared
    positions = list(range(shared))
    places: list[int] = []
    for number, row in enumerate(rows):
        own = row.ids[shared:]
        first = len(ids) + len(row.prompt) - shared - 1
        places += range(first, first + len(row.answer))
        ids += own
        owner += [number] * len(own)
        positions += range(shared, shared + len(own))
    at = torch.tensor(positions, device=device)
    whose = torch.tensor(owner, device=device)
    order = torch.arange(len(ids), device=device)
    seen = (whose[None, :] == whose[:, None]) | (whose[None, :] == -1)
    seen &= order[None, :] <= order[:, None]
    arguments = {
        "input_ids": torch.tensor([ids], device=device),
        "position_ids": at[None],
        "attention_mask": _masks(seen, at, config),
    }
    where = torch.tensor(places, device=device)
    return Packed(arguments, (torch.zeros_like(where), where))


def pad(rows: Sequence[Row], device: torch.device) -> Packed:
    """Each row on a line of its own, padded on the right: input of shape `[B, T]`."""
    width = max(len(row.ids) for row in rows)
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    mask = torch.zeros_like(ids)
    lines: list[int] = []
    columns: list[int] = []
    for number, row in enumerate(rows):
        ids[number, : len(row.ids)] = torch.tensor(row.ids)
        mask[number, : len(row.ids)] = 1
        first = len(row.prompt) - 1
        lines += [number] * len(row.answer)
        columns += range(first, first + len(row.answer))
    arguments = {"input_ids": ids.to(device), "attention_mask": mask.to(device)}
    where = (torch.tensor(lines, device=device), torch.tensor(columns, device=device))
    return Packed(arguments, where)


def _common_prefix(rows: Sequence[Row]) -> int:
    """Tokens that all prompts begin with; each keeps at least the one that predicts its answer."""
    alike = takewhile(lambda column: len(set(column)) == 1, zip(*(r.prompt for r in rows)))  # noqa: B905
    return min(sum(1 for _ in alike), *(len(row.prompt) - 1 for row in rows))


def _masks(seen: torch.Tensor, at: torch.Tensor, config: PreTrainedConfig) -> Any:
    """Masks `[1, 1, T, T]`; by kind of layer where a model has more than one kind."""
    text = config.get_text_config()
    kinds = set(getattr(text, "layer_types", None) or ())
    window = getattr(text, "sliding_window", None)
    if not window or not getattr(text, "use_sliding_window", True):
        return _mask(seen, config)
    near = _mask(seen & (at[:, None] - at[None, :] < window), config)
    masks = {"full_attention": _mask(seen, config), "sliding_attention": near}
    if not kinds:
        return near
    if len(kinds) > 1 and kinds <= set(masks):
        return masks
    # A wrong guess about a kind not known here is found before training.
    return masks.get(kinds.pop(), masks["full_attention"])


def _mask(seen: torch.Tensor, config: PreTrainedConfig) -> torch.Tensor:
    """Booleans for fused attention; what is added to the scores for `eager`."""
    if config._attn_implementation != "eager":
        return seen[None, None]
    lowest = torch.finfo(torch.float32).min
    return torch.where(seen, 0.0, lowest)[None, None]
