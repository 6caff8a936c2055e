"""Format numbers and untrusted text for display.

No text may hide or reorder other text, or control a terminal.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Protocol

_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Invisible letters and marks that Unicode does not class as controls."""
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


class Share(Protocol):
    """A share of `n` units, from 0 to 1; `high` counts the `n_open` open ones, `low` does not."""

    @property
    def low(self) -> float: ...  # noqa: D102
    @property
    def high(self) -> float: ...  # noqa: D102
    @property
    def n(self) -> int: ...  # noqa: D102
    @property
    def n_open(self) -> int: ...  # noqa: D102
    @property
    def interval(self) -> tuple[float, float]: ...  # noqa: D102


def visible(value: object) -> object:
    """A value as text, with escapes for characters that hide or reorder others.

    A reader must see what a model wrote, and a right-to-left override must not reverse a response.
    Markup (which only templates make) is returned unchanged.
    """
    return value if hasattr(value, "__html__") else visible_text(str(value))


def visible_text(text: str) -> str:
    """A text with such characters escaped as `[U+202E]`; line ends and tabs stay."""
    return _escaped(text, allowed="\n\t")


def visible_line(text: str) -> str:
    """A text on one line, with such characters, line ends and tabs escaped as `[U+202E]`."""
    return _escaped(text, allowed="")


def _escaped(text: str, allowed: str) -> str:
    if text.isprintable() and _INVISIBLE.isdisjoint(text):
        return text
    return "".join(c if c in allowed or not _hides(c) else f"[U+{ord(c):04X}]" for c in text)


def _hides(character: str) -> bool:
    return unicodedata.category(character) in _HIDDEN or character in _INVISIBLE


NOTHING = "–"
_SPACE = "\N{NO-BREAK SPACE}"


def first_words(error: BaseException, most: int = 200) -> str:
    """A library's error in one line: its kind and how its message begins."""
    text = visible_line(" ".join(str(error).split())[:most])
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def percent(share: float) -> str:
    """0.123 as `12.3 %`."""
    return f"{100 * share:.1f}{_SPACE}%"


def value_text(share: Share) -> str:
    """A share, or its range while something is open."""
    if not share.n:
        return NOTHING
    if share.n_open:
        return f"{100 * share.low:.1f} … {percent(share.high)}"
    return percent(share.low)


def interval_text(interval: tuple[float, float]) -> str:
    """An interval of a share, in percent."""
    return f"{100 * interval[0]:.1f}–{100 * interval[1]:.1f}"


def full_text(share: Share) -> str:
    """A share with its interval."""
    if not share.n:
        return NOTHING
    return f"{value_text(share)} (95{_SPACE}% interval {interval_text(share.interval)})"


def counted(number: int, singular: str, plural: str = "") -> str:
    """`1 fact`, `2 facts`."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def hidden_character(text: str) -> str | None:
    """The first control, bidirectional or invisible character of a text, as U+XXXX; or None."""
    # What Unicode has not assigned yet is left alone: it depends on the version of its tables.
    hidden = _HIDDEN - {"Cn"}
    for letter in text:
        if unicodedata.category(letter) in hidden or letter in _INVISIBLE:
            return f"U+{ord(letter):04X}"
    return None
