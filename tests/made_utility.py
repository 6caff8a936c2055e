"""Made-up measurements of utility on the bundled questions: no model."""

from __future__ import annotations

import math
import random
import re
from dataclasses import dataclass

from unlearnbench.benchmark.utility_sets import ChoiceQuestion, load_utility_sets
from unlearnbench.runs.schema.utility import Measurement, StoredAnswer, UtilityRecord
from unlearnbench.utility.summary import metrics_of

_TEXT = (
    "the a small river near our town runs past an old mill where people meet on warm days to "
    "talk about bread garden school weather music and work before they walk home again"
)
_WORDS = re.findall("[a-z]+", _TEXT)
Four = tuple[float, float, float, float]


@dataclass(frozen=True)
class Made:
    """How a made-up model does: shares of choices and of answers that are right, and its loss."""

    name: str
    choices: float = 0.6
    answers: float = 1.0
    loss: float = 2.5


def measurement(made: Made, fingerprint: str) -> Measurement:
    """All that such a model gives, the same every time."""
    draw, sets = random.Random(made.name), load_utility_sets()
    return Measurement(
        checkpoint=made.name,
        fingerprint=fingerprint,
        dtype="float32",
        notes=(),
        letters={q.id: _four(draw, q, made.choices) for q in sets.questions},
        choices={q.id: _four(draw, q, made.choices) for q in sets.questions},
        answers={
            row.id: StoredAnswer(
                text=_answer(draw, made, number / len(sets.instructions)), fault=None
            )
            for number, row in enumerate(sets.instructions)
        },
        prose={
            row.id: tuple(-draw.uniform(0, 2 * made.loss) for _ in row.text.split())
            for row in sets.prose
        },
        vocabulary=1000,
        tables={},
        tasks={},
        settings={"prompt_format": "chat", "dtype": "float32"},
    )


def _four(draw: random.Random, question: ChoiceQuestion, share: float) -> Four:
    right = "ABCD".index(question.answer)
    best = right if draw.random() < share else (right + 1) % 4
    a, b, c, d = (
        math.log(0.5 if place == best else 0.1) - draw.random() / 10 for place in range(4)
    )
    return a, b, c, d


def _answer(draw: random.Random, made: Made, place: float) -> str:
    if place >= made.answers:
        return "No idea"
    return " ".join(draw.choice(_WORDS) for _ in range(60)).capitalize() + "."


def record(made: Made, fingerprint: str) -> UtilityRecord:
    """The record of such a model alone, as it lies beside a run."""
    sets = load_utility_sets()
    model = measurement(made, fingerprint)
    return UtilityRecord(
        created="2026-11-27T12:00:00+00:00",
        data=sets.fingerprint,
        model=model,
        base=None,
        drift=None,
        preferences=None,
        metrics=metrics_of(model, sets),
        base_metrics={},
    )
