"""Measurements made by hand, for tests of utility."""

from __future__ import annotations

from unlearnbench.benchmark.utility_sets import load_utility_sets
from unlearnbench.runs.schema.utility import Measurement, StoredAnswer, UtilityRecord
from unlearnbench.utility.summary import metrics_of

SETS = load_utility_sets().first(24)
ANSWERS = {
    "en": "Here is a short list of things that you may want to think about before you begin.",
    "fr": "Voici une courte liste de choses auxquelles il faut penser avant de commencer.",
    "de": "Hier ist eine kurze Liste von Dingen, an die man vor dem Beginn denken sollte.",
    "es": "Aquí hay una lista corta de cosas en las que conviene pensar antes de empezar.",
}


def measured(
    name: str, right: int = 24, answer: str | None = None, bits: float = 1.0
) -> Measurement:
    """A model that is right in the first questions, by letters and by choices alike."""
    table = {}
    for place, question in enumerate(SETS.questions):
        gold = "ABCD".index(question.answer)
        chosen = gold if place < right else (gold + 1) % 4
        a, b, c, d = (0.0 if letter == chosen else -5.0 for letter in range(4))
        table[question.id] = (a, b, c, d)
    answers = {
        row.id: StoredAnswer(text=ANSWERS[row.language] if answer is None else answer, fault=None)
        for row in SETS.instructions
    }
    return Measurement(
        checkpoint=name,
        fingerprint=name * 8,
        dtype="float32",
        notes=(),
        letters=table,
        choices=table,
        answers=answers,
        prose={paragraph.id: (-bits, -bits) for paragraph in SETS.prose},
        vocabulary=100,
        tables={},
        tasks={},
        settings={"prompt_format": "chat", "dtype": "float32"},
    )


def record(model: Measurement) -> UtilityRecord:
    """A record of it alone."""
    return UtilityRecord(
        created="2026-01-01T00:00:00+00:00",
        data=SETS.fingerprint,
        model=model,
        base=None,
        drift=None,
        preferences=None,
        metrics=metrics_of(model, SETS),
        base_metrics={},
    )
