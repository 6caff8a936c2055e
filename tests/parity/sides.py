"""Stored logits as the sides of a batch, in the place of a model that would compute them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from unlearnbench.training.batch import Row
from unlearnbench.training.head import Head
from unlearnbench.training.passes import Answers, describe

IGNORED = -100
Rows = tuple[Row, ...]


def unit_head(vocabulary: int) -> Head:
    """A head whose logits are the states themselves."""
    linear = nn.Linear(vocabulary, vocabulary, bias=False)
    linear.weight.data = torch.eye(vocabulary)
    return Head(linear.requires_grad_(False))


def rows_of(name: str, labels: Sequence[Sequence[int]]) -> Rows:
    """A row for each line of labels: its answer is what is not ignored."""
    return tuple(
        Row(f"{name}/{number}", (0,), tuple(label for label in line if label != IGNORED))
        for number, line in enumerate(labels)
    )


def at_answers(logits: torch.Tensor, labels: Sequence[Sequence[int]]) -> torch.Tensor:
    """The logits `[N, V]` that predict each label: position t predicts label t + 1."""
    wanted = torch.tensor(labels)[:, 1:] != IGNORED
    return logits[:, :-1][wanted]


class Given:
    """A model that knows the states at the answers of the rows that it was given."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.head = unit_head(width)
        self._states: dict[Row, torch.Tensor] = {}

    def knows(self, rows: Rows, states: torch.Tensor) -> None:
        """Keep the states `[N, H]` of the rows' answer tokens."""
        parts = torch.split(states, [len(row.answer) for row in rows])
        self._states |= dict(zip(rows, parts, strict=True))

    def __call__(self, *sides: Sequence[Row], layer: int | None = None) -> tuple[Answers, ...]:
        """Each side at its answers."""
        empty = torch.empty(0, self.width)
        return tuple(
            describe(side, torch.cat([self._states[row] for row in side] or [empty]), self.head)
            for side in sides
        )


def model_of(sides: Mapping[str, Any], key: str) -> tuple[Given, dict[str, torch.Tensor]]:
    """A stand-in for the logits stored under `key`, and these logits, which take a gradient."""
    logits = {name: torch.tensor(side[key]).requires_grad_() for name, side in sides.items()}
    given = Given(next(iter(logits.values())).shape[-1])
    for name, side in sides.items():
        labels = side["labels"]
        given.knows(rows_of(name, labels), at_answers(logits[name], labels))
    return given, logits
