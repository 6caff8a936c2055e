"""How a model is laid on devices so that its answers fit."""

from __future__ import annotations

from dataclasses import dataclass, replace

from unlearnbench.engines.transformers.memory import MOST_ROWS
from unlearnbench.planning import cost
from unlearnbench.planning.cost import Asked, Bytes
from unlearnbench.planning.machines import Kind, Machine
from unlearnbench.planning.shape import ModelShape

_ROOM = 0.95
"""Share of a device's memory that a plan may fill."""


@dataclass(frozen=True, slots=True)
class PlannedModel:
    """A model that is planned for; `stored` are the bytes of its files, if known."""

    shape: ModelShape
    weights: int
    kind: Kind
    stored: int | None = None
    quantised: bool = False

    @property
    def file_bytes(self) -> float:
        """Bytes that are read to load it."""
        return self.stored if self.stored is not None else 2 * self.weights

    def held_bytes(self, dtype: str) -> float:
        """Bytes of its weights in memory; quantised ones stay as they are stored."""
        if self.quantised and self.stored is not None:
            return self.stored
        return self.weights * cost.width(dtype)


@dataclass(frozen=True, slots=True)
class Placed:
    """`copies` of a model, `each` over so many devices; memory of one device."""

    each: int
    copies: int
    rows: int
    memory: Bytes
    fits: bool


def room(machine: Machine) -> float:
    """Bytes of one device that a plan may fill."""
    return _ROOM * machine.memory_bytes


def place(
    model: PlannedModel, asked: Asked, machine: Machine, dtype: str, beside: float = 0.0
) -> Placed:
    """The fewest devices for a copy, and as many copies as there are devices for.

    `beside` are bytes that stand beside the weights, such as an optimiser's. Where nothing fits,
    it is what a copy over all devices would take.
    """
    for each in range(1, machine.count + 1):
        placed = _over(model, asked, machine, dtype, beside, each)
        if placed.fits:
            return placed
    return _over(model, asked, machine, dtype, beside, machine.count)


def _over(
    model: PlannedModel, asked: Asked, machine: Machine, dtype: str, beside: float, each: int
) -> Placed:
    held = (model.held_bytes(dtype) + beside) / each
    free = room(machine) - held - cost.RUNTIME_BYTES[machine.kind]
    most = MOST_ROWS[machine.kind]
    rows = cost.rows_at_a_time(model.shape, asked, max(0.0, free), dtype, most)
    memory = cost.answering_bytes(model.shape, held, asked, rows, dtype, machine.kind)
    memory = replace(memory, cache=memory.cache / each)
    return Placed(each, machine.count // each, rows, memory, memory.total <= room(machine))
