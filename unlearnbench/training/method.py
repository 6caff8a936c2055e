"""What every method has: a name, parameters, and a loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Generic, Protocol, TypeVar

import torch
from torch import nn
from transformers import PreTrainedTokenizerBase

from unlearnbench.training.batch import Batch, Side
from unlearnbench.training.passes import Answers, Model
from unlearnbench.training.terms import RetainTerm, check_retain, retain_term
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
    `implants`: it teaches forget and retain facts alike, which then all stand on the forget side.
    """

    name: ClassVar[str]
    Parameters: type[P]
    settings: ClassVar[Mapping[str, Setting]] = {}
    sides: frozenset[Side] = frozenset({"forget", "retain"})
    compares: frozenset[Side] = frozenset()
    layer: int | None = None
    implants: ClassVar[bool] = False

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
        """A warning about the figures of a step, or None."""
        return None

    def finish(self, model: nn.Module, initial: Mapping[str, torch.Tensor]) -> None:
        """Change the trained model before it is saved; `initial` holds the weights before."""

    @property
    def finishes(self) -> bool:
        """Whether `finish` does something, for which the initial weights must be kept."""
        return type(self).finish is not Method.finish


class Retaining(Protocol):
    """Parameters that choose a retain term."""

    @property
    def retain(self) -> RetainTerm:
        """`nll`, `kl` or `none`."""
        ...


R = TypeVar("R", bound=Retaining)


class RetainingMethod(Method[R]):
    """A method whose users choose the retain term; it supplies the forget side's formula alone.

    `reads`: the sides that the formula is about; `compares_forget`: whether it asks the reference
    about them too.
    """

    reads: ClassVar[tuple[Side, ...]] = ("forget",)
    compares_forget: ClassVar[bool] = False

    def __init__(self, parameters: R) -> None:
        super().__init__(parameters)
        check_retain(parameters.retain)
        self.sides = frozenset({*self.reads, "retain"})
        compared = self.reads if self.compares_forget else ()
        self.compares = frozenset({*compared, "retain"} if parameters.retain == "kl" else compared)

    def loss(self, student: Model, reference: Model, batch: Batch) -> LossTerms:
        """One pass of the student over all sides, then both terms."""
        sides = [batch.side(name) for name in self.reads]
        *now, kept = student(*sides, batch.retain)
        before = reference(*sides) if self.compares_forget else ()
        kept_before = reference(batch.retain)[0] if "retain" in self.compares else None
        forget = self.forget_loss(now, before)
        return LossTerms(forget, retain_term(self.parameters.retain, kept, kept_before))

    @abstractmethod
    def forget_loss(self, now: Sequence[Answers], before: Sequence[Answers]) -> torch.Tensor:
        """The forget term, from the sides of `reads` as the student and the reference see them.

        `before` is empty unless `compares_forget`.
        """
