"""Lay the new tokens of a step out in grids, one for rows that bring about as many."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch

from unlearnbench.engines.transformers.attention import Segment


def segments(
    groups: Sequence[list[int]],
    widths: Sequence[int],
    lengths: Sequence[int],
    device: torch.device,
) -> list[Segment]:
    """One segment for each group of slots that is not empty.

    `widths` and `lengths` are by slot: its new tokens, and its positions with them.
    """
    starts = [0, *accumulate(widths)]
    return [_segment(group, starts, lengths, device) for group in groups if group]


def _segment(
    members: list[int], starts: Sequence[int], lengths: Sequence[int], device: torch.device
) -> Segment:
    """Lay the members' new tokens out as a grid of equal width."""
    widths = [starts[slot + 1] - starts[slot] for slot in members]
    width = max(widths)
    tokens: list[list[int]] = []
    positions: list[list[int]] = []
    cells: list[int] = []
    flat: list[int] = []
    for line, (slot, own) in enumerate(zip(members, widths, strict=True)):
        first = lengths[slot] - own
        # A padded cell repeats the last token: it is computed and thrown away.
        tokens.append([starts[slot] + min(i, own - 1) for i in range(width)])
        positions.append([first + min(i, own - 1) for i in range(width)])
        cells += [line * width + i for i in range(own)]
        flat += range(starts[slot], starts[slot + 1])
    return Segment(
        slots=torch.tensor(members, device=device),
        tokens=torch.tensor(tokens, device=device),
        positions=torch.tensor(positions, device=device),
        cells=torch.tensor(cells, device=device),
        flat=torch.tensor(flat, device=device),
        length=max(lengths[slot] for slot in members),
        contiguous=members == list(range(len(members))),
    )
