"""What was measured of a single question, from which all of TOFU's metrics follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from unlearnbench.engines.tokens import AnswerTokens


@dataclass(frozen=True, slots=True)
class MeasuredRow:
    """A question's answers as the model sees them.

    `answer` are the tokens of its answer, `paraphrased` and `perturbed` the mean losses of the
    paraphrased right answer and of wrong ones, in nats a token. `response` is what the model
    wrote, None where nothing came.
    """

    prompt: str
    gold: str
    answer: AnswerTokens
    paraphrased: float
    perturbed: tuple[float, ...]
    response: str | None


@dataclass(frozen=True, slots=True)
class AttackScores:
    """A membership attack's score of each forget answer and of each holdout answer."""

    forget: tuple[float, ...]
    holdout: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """All rows of all sets, by the set's name, and all attacks, by theirs."""

    rows: Mapping[str, tuple[MeasuredRow, ...]]
    attacks: Mapping[str, AttackScores]
