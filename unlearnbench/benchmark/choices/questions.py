"""Choice questions as a data set gives them, and which are asked with which solved ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from string import ascii_uppercase
from typing import Literal

MOST_CHOICES = len(ascii_uppercase)
"""As many as there are letters."""


@dataclass(frozen=True, slots=True)
class LetteredQuestion:
    """A question whose choices are lettered from A; `gold` is the index of the right one."""

    subject: str
    question: str
    choices: tuple[str, ...]
    gold: int


@dataclass(frozen=True, slots=True)
class PosedQuestion:
    """A question with the solved ones that stand before it.

    `id` is `<subject>/<row>`, or the row's number where the data set has no subjects.
    """

    id: str
    question: LetteredQuestion
    shots: tuple[LetteredQuestion, ...]


@dataclass(frozen=True, slots=True)
class ChoiceSet:
    """Questions of one data set.

    `source` is the data set with its revision, or the folder with the digest of its rows; `style`
    names the prompt (`utility.tables`).
    """

    name: str
    source: str
    style: Literal["mmlu", "rwku"]
    rows: tuple[PosedQuestion, ...]

    def first(self, limit: int) -> ChoiceSet:
        """The first rows."""
        return replace(self, rows=self.rows[:limit])


def posed(
    questions: Sequence[LetteredQuestion], shots: Sequence[tuple[LetteredQuestion, ...]]
) -> tuple[PosedQuestion, ...]:
    """Questions with ids made of their subject and place in the data set, counted from 1."""
    pairs = zip(questions, shots, strict=True)
    return tuple(
        PosedQuestion(f"{q.subject}/{number}" if q.subject else str(number), q, before)
        for number, (q, before) in enumerate(pairs, start=1)
    )
