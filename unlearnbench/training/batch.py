"""What one training step sees: rows of token ids, in up to three sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Side = Literal["forget", "refused", "retain"]


@dataclass(frozen=True, slots=True)
class Row:
    """A prompt and the answer that follows it, as token ids.

    `ended`: the answer's last token is the end of the turn. `name` says which question of which
    fact it is.
    """

    name: str
    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    ended: bool = True

    @property
    def ids(self) -> tuple[int, ...]:
        """Prompt and answer in a row."""
        return self.prompt + self.answer


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows of one step.

    `forget`: questions to be forgotten with their true answers; `refused`: the same questions with
    a refusal as the answer (only for methods that ask for it); `retain`: questions to be kept.
    `step` counts optimiser steps from 0, of `steps` in all.
    """

    step: int
    steps: int
    forget: tuple[Row, ...]
    retain: tuple[Row, ...] = ()
    refused: tuple[Row, ...] = ()

    def side(self, name: Side) -> tuple[Row, ...]:
        """The rows of one side."""
        return {"forget": self.forget, "refused": self.refused, "retain": self.retain}[name]

    def names(self) -> str:
        """The rows by name, for messages."""
        return ", ".join(row.name for row in (*self.forget, *self.retain))
