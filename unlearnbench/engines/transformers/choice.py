"""Which token a row goes on with: the likeliest, or one that is drawn."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Protocol

import torch

Place = tuple[int, int]
"""A row's index and how many tokens it has said so far."""


class Chooser(Protocol):
    """Chooses tokens."""

    def tokens(self, logits: torch.Tensor, places: Sequence[Place]) -> torch.Tensor:
        """One token for each row of logits `[rows, V]`, shape `[rows]`."""
        ...


class Greedy:
    """The likeliest token."""

    def tokens(self, logits: torch.Tensor, places: Sequence[Place]) -> torch.Tensor:
        """See `Chooser`."""
        return logits.max(dim=-1).indices


class Drawn:
    """A token drawn from softmax(logits / temperature).

    A row has a temperature and a stream of uniform numbers of its own, seeded by `seed` and its
    name, and takes the token in which the number falls. So a draw does not depend on which rows run
    beside it. A row at temperature 0 takes the likeliest token.
    """

    def __init__(self, temperatures: Sequence[float], seed: int, names: Sequence[str]) -> None:
        self._temperatures = temperatures
        self._streams = [random.Random(f"{seed}/{name}") for name in names]
        self._drawn: list[list[float]] = [[] for _ in names]

    def tokens(self, logits: torch.Tensor, places: Sequence[Place]) -> torch.Tensor:
        """See `Chooser`. Rows without a finite logit get token 0; they end as failures."""
        tokens = logits.max(dim=-1).indices
        rows = [i for i, (row, _) in enumerate(places) if self._temperatures[row]]
        if rows:
            where = torch.tensor(rows, device=logits.device)
            tokens[where] = self._drawn_tokens(logits[where], [places[row] for row in rows])
        return tokens

    def _drawn_tokens(self, logits: torch.Tensor, places: Sequence[Place]) -> torch.Tensor:
        drawn = [(self._number(*place), self._temperatures[place[0]]) for place in places]
        numbers, temperatures = torch.tensor(drawn, dtype=torch.float64, device=logits.device).T
        scaled = torch.nan_to_num(logits.double() / temperatures[:, None])
        reached = torch.softmax(scaled, dim=-1).cumsum(dim=-1)
        thresholds = numbers[:, None] * reached[:, -1:]
        tokens = torch.searchsorted(reached, thresholds, right=True)[:, 0]
        return tokens.clamp_max(logits.shape[1] - 1)

    def _number(self, row: int, step: int) -> float:
        drawn = self._drawn[row]
        while len(drawn) <= step:
            drawn.append(self._streams[row].random())
        return drawn[step]
