"""One forward pass over all rows of a step, read out at the answers' positions only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn
from transformers import PreTrainedModel

from unlearnbench.engines.transformers.attention import any_shape
from unlearnbench.errors import TrainingError
from unlearnbench.training.batch import Row
from unlearnbench.training.head import Head, find_head
from unlearnbench.training.packing import Packed, pack, pad
from unlearnbench.training.processes import largest
from unlearnbench.training.sharding import reshard

LAYER_LISTS = ("layers", "h", "blocks")
"""What architectures call the list of their layers."""
_TOLERANCE = 1e-3
"""Largest difference of a logit, as a share of the largest logit, that rounding explains."""


@dataclass(frozen=True, slots=True)
class Answers:
    """A side of a batch at its N answer tokens, rows one after the other.

    `hidden`: `[N, H]`, the states that predict each token; `labels`: `[N]`, the tokens themselves;
    `row`, `slot`: `[N]`, which row of the side and which of its tokens; `last`: `[N]`, true where
    the token ends the turn.
    """

    hidden: torch.Tensor
    labels: torch.Tensor
    row: torch.Tensor
    slot: torch.Tensor
    last: torch.Tensor
    head: Head

    def logits(self) -> torch.Tensor:
        """`[N, V]`, float32."""
        return self.head(self.hidden)

    def log_probs(self) -> torch.Tensor:
        """Natural log-probability of each label, `[N]`."""
        logits = self.logits()
        picked = logits.gather(-1, self.labels[:, None]).squeeze(-1)
        return picked - logits.logsumexp(-1)

    def by_row(self, values: torch.Tensor) -> torch.Tensor:
        """Sums of `[N]` values over the tokens of each row, `[rows]`."""
        rows = int(self.row[-1]) + 1 if len(self.row) else 0
        return values.new_zeros(rows).index_add(0, self.row, values)

    def lengths(self) -> torch.Tensor:
        """Answer tokens of each row, `[rows]`."""
        return self.by_row(torch.ones_like(self.row, dtype=torch.float32))


class Model(Protocol):
    """What a method sees of the student and of the frozen reference."""

    def __call__(self, *sides: Sequence[Row], layer: int | None = None) -> tuple[Answers, ...]:
        """Each side at its answers' positions, all of them in one pass.

        `layer`: read the output of that layer, counted from 0 and before any final norm, instead of
        the final states.
        """
        ...


class Student:
    """The model that is trained."""

    def __init__(self, model: PreTrainedModel, wrapped: nn.Module | None = None) -> None:
        self.model = model
        self.wrapped = wrapped or model
        self.head = find_head(model)
        self.packs = True

    def __call__(self, *sides: Sequence[Row], layer: int | None = None) -> tuple[Answers, ...]:
        """See `Model`."""
        rows = [row for side in sides for row in side]
        hidden = self._states(rows, layer)
        counts = [sum(len(row.answer) for row in side) for side in sides]
        parts = hidden.split(counts)
        return tuple(
            describe(side, part, self.head) for side, part in zip(sides, parts, strict=True)
        )

    def _states(self, rows: Sequence[Row], layer: int | None) -> torch.Tensor:
        device = self.model.device
        packed = pack(rows, self.model.config, device) if self.packs else pad(rows, device)
        return self._read(packed, layer)

    def _read(self, packed: Packed, layer: int | None) -> torch.Tensor:
        with any_shape(), _output_of(self.model, layer) as seen:
            output = self.wrapped(
                **packed.arguments,
                use_cache=False,
                output_hidden_states=layer is None,
                logits_to_keep=1,
            )
        states: torch.Tensor = output.hidden_states[-1] if layer is None else seen[-1]
        return states[packed.places]

    @torch.no_grad()
    def check(self, rows: Sequence[Row]) -> str | None:
        """Compare with the model's own logits on each row alone, and give up packing if need be.

        Returns a note if rows are padded instead. Raises `TrainingError` if neither way gives the
        model's logits.
        """
        training = self.model.training
        self.model.eval()
        try:
            own = torch.cat([self._alone(row) for row in rows])
            for self.packs in (True, False):
                try:
                    packed_logits = self.head(self._states(rows, None))
                except (ValueError, RuntimeError, TypeError, KeyError, IndexError):
                    continue
                if (packed_logits - own).abs().max() <= _TOLERANCE * own.abs().max():
                    return None if self.packs else "rows are padded: packing does not fit the model"
        finally:
            reshard(self.model)
            self.model.train(training)
        raise TrainingError(
            f"{type(self.model).__name__}: its logits are not its head applied to its last hidden "
            "states, so answers cannot be read out of one pass; this architecture is not supported"
        )

    def _alone(self, row: Row) -> torch.Tensor:
        ids = torch.tensor([row.ids], device=self.model.device)
        logits: torch.Tensor = self.model(input_ids=ids, use_cache=False).logits[0].float()
        start = len(row.prompt) - 1
        return logits[start : start + len(row.answer)]


@contextmanager
def _output_of(model: PreTrainedModel, layer: int | None) -> Iterator[list[torch.Tensor]]:
    """What a layer puts out in the meantime. A model's list of hidden states would not do: its last
    entry has been through the final norm.
    """
    seen: list[torch.Tensor] = []
    if layer is None:
        yield seen
        return

    def keep(_module: nn.Module, _given: object, output: Any) -> None:
        seen.append(output[0] if isinstance(output, tuple) else output)

    handle = layers_of(model)[layer].register_forward_hook(keep)
    try:
        yield seen
    finally:
        handle.remove()


def layers_of(model: PreTrainedModel) -> nn.ModuleList:
    """The model's decoder layers. Raises `TrainingError` if it is not clear which they are."""
    count = model.config.get_text_config().num_hidden_layers
    lists = [
        module
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList)
        and name.rpartition(".")[2] in LAYER_LISTS
        and len(module) == count
    ]
    if len(lists) != 1:
        raise TrainingError(f"{type(model).__name__}: it is not clear which are its {count} layers")
    return lists[0]


class Reference:
    """The model as it was before training: its states at the answers, computed once and kept."""

    def __init__(self, student: Student, device: torch.device | None = None) -> None:
        self.head = student.head.frozen(device)
        self._student = student
        self._states: dict[tuple[Row, int | None], torch.Tensor] = {}

    @torch.no_grad()
    def remember(self, groups: Iterable[Sequence[Row]], layer: int | None) -> None:
        """Compute and keep the states of all rows; to be called before the student is changed.

        The rows of a group go through the model together: they share a prefix.
        """
        model = self._student.model
        training = model.training
        model.eval()
        for some in self._unseen(groups, layer):
            (answers,) = self._student(some, layer=layer)
            parts = answers.hidden.split([len(row.answer) for row in some])
            self._states |= {
                (row, layer): part.clone() for row, part in zip(some, parts, strict=True)
            }
        reshard(model)
        model.train(training)

    def _unseen(self, groups: Iterable[Sequence[Row]], layer: int | None) -> list[list[Row]]:
        """The rows that have no states yet, group by group; as many groups in every process.

        A sharded model computes in all processes or in none: who has fewer rows repeats the last.
        """
        seen = {row for row, of in self._states if of == layer}
        unseen: list[list[Row]] = []
        last: list[Row] = []
        for group in groups:
            last = list(group) or last
            if some := [row for row in dict.fromkeys(group) if row not in seen]:
                seen |= set(some)
                unseen.append(some)
        return unseen + [last] * (largest(len(unseen)) - len(unseen))

    def __call__(self, *sides: Sequence[Row], layer: int | None = None) -> tuple[Answers, ...]:
        """See `Model`."""
        return tuple(describe(side, self._side(side, layer), self.head) for side in sides)

    def _side(self, side: Sequence[Row], layer: int | None) -> torch.Tensor:
        if not side:
            return torch.empty(0)
        return torch.cat([self._states[row, layer] for row in side])


def describe(side: Sequence[Row], hidden: torch.Tensor, head: Head) -> Answers:
    """A side's answer tokens beside the states that predict them."""
    tokens = [
        (token, number, slot, row.ended and slot == len(row.answer) - 1)
        for number, row in enumerate(side)
        for slot, token in enumerate(row.answer)
    ]
    labels, row, slot, last = zip(*tokens, strict=True) if tokens else ((), (), (), ())

    def column(values: Sequence[int]) -> torch.Tensor:
        return torch.tensor(values, dtype=torch.long, device=hidden.device)

    return Answers(hidden, column(labels), column(row), column(slot), column(last).bool(), head)
