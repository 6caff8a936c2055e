"""Whether figures of two models can be compared: measured in the same way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

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
