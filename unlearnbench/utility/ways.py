"""Whether figures of two models can be compared: measured whole, and in the same way."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from unlearnbench.benchmark.utility_sets import UtilitySets
from unlearnbench.runs.schema.utility import Measurement

_WAYS = {
    "prompt_format": "prompt format",
    "dtype": "data type",
    "thinking": "thinking",
    "think_tokens": "room for thoughts",
}
"""Settings in which both must agree, and what they are called."""


def differences_of_ways(theirs: Mapping[str, object], mine: Mapping[str, object]) -> Iterator[str]:
    """In what two measurements' settings differ, in words."""
    if not theirs:
        yield "its version did not say how"
        return
    for name, label in _WAYS.items():
        if theirs.get(name) != mine.get(name):
            yield f"its {label} is {theirs.get(name)}, not {mine.get(name)}"


def is_whole(measured: Measurement, sets: UtilitySets) -> bool:
    """Whether a record that others may have written holds every row, and numbers."""
    questions = {q.id for q in sets.questions}
    numbers = (
        value
        for table in (measured.letters, measured.choices, measured.prose)
        for row in table.values()
        for value in row
    )
    return (
        set(measured.letters) == set(measured.choices) == questions
        and set(measured.answers) == {row.id for row in sets.instructions}
        and set(measured.prose) == {row.id for row in sets.prose}
        and all(measured.prose.values())
        and not any(map(math.isnan, numbers))
    )
