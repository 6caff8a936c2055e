"""What every method has: a name, parameters, and a loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Generic, TypeVar

import torch
from torch import nn
from transformers import PreTrainedTokenizerBase

from unlearnbench.training.batch import Batch, Side
from unlearnbench.training.passes import Model
from unlearnbench.types import Setting

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class LossTerms:
    """A step's two losses, scalars in natural-log units, not yet weighted.

    `retain` is None for methods that have no such term. `seen` are figures worth logging.
    """

    forget: torch.Tensor
    retain: torch.Tensor | None = None
    seen: Mapping[str, float] = field(default_factory=dict)


class Method(ABC, Generic[P]):
    """A loss and its parameters; weighting, summing and stepping are the trainer's.

    `name` is what users call it, `Parameters` a frozen dataclass of what they may set, `settings`
    what its authors train with where that differs from the trainer's defaults. `sides` are the
    sides of a batch it reads, `compares` those on which it asks the reference (at `layer`).
    """

    name: ClassVar[str]
    Parameters: type[P]
    settings: ClassVar[Mapping[str, Setting]] = {}
    sides: frozenset[Side] = frozenset({"forget", "retain"})
    compares: frozenset[Side] = frozenset()
    layer: int | None = None

    def __init__(self, parameters: P) -> None:
        self.parameters = parameters

    def prepare(self, model: nn.Module, tokenizer: PreTrainedTokenizerBase) -> None:
        """Look at the model and its tokenizer before training. Raises `TrainingError`."""

    def trains(self, parameter: str) -> bool:
        """Whether the parameter of that name is trained; all are, by default."""
        return True

    def refusals(self) -> tuple[str, ...]:
        """The answers of the `refused` side, dealt out to its rows in turn."""
        return ()

    @abstractmethod
    def loss(self, student: Model, reference: Model, batch: Batch) -> LossTerms:
        """The loss of one batch."""

    def warning(self, step: int, seen: Mapping[str, float]) -> str | None:
        """What a user should be told about the figures of a step, if anything."""
        return None

    def finish(self, model: nn.Module, initial: Mapping[str, torch.Tensor]) -> None:
        """Change the trained model before it is saved; `initial` holds the weights before."""

    @property
    def finishes(self) -> bool:
        """Whether `finish` does something, for which the initial weights must be kept."""
        return type(self).finish is not Method.finish
