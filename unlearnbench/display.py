"""How numbers and other people's text are shown.

Nothing in a text may hide, reorder, or steer what shows it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Protocol

_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that Unicode does not count as controls and that show nothing."""
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


class Share(Protocol):
    """A share of `n` units, 0 to 1; `high` counts the `n_open` open ones."""

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
    """A value as text in which characters that hide or reorder others are written out.

    A reader must see what a model wrote, and a right-to-left override must not turn an answer
    round. Markup (which only templates make) is passed on.
    """
    return value if hasattr(value, "__html__") else visible_text(str(value))


def visible_text(text: str) -> str:
    """A text with such characters as `[U+202E]`; line ends and tabs stay."""
    return _written_out(text, kept="\n\t")


def visible_line(text: str) -> str:
    """A text of one line with such characters as `[U+202E]`, line ends and tabs among them."""
    return _written_out(text, kept="")


def _written_out(text: str, kept: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in kept or not _hides(c) else f"[U+{ord(c):04X}]" for c in text)


def _hides(character: str) -> bool:
    return unicodedata.category(character) in _HIDDEN or character in _UNSEEN


NOTHING = "–"
_SPACE = "\N{NO-BREAK SPACE}"


def percent(share: float) -> str:
    """0.123 as `12.3 %`."""
    return f"{100 * share:.1f}{_SPACE}%"


def value_text(found: Share) -> str:
    """A share, or the range it lies in while something is open."""
    if not found.n:
        return NOTHING
    if found.n_open:
        return f"{100 * found.low:.1f} … {percent(found.high)}"
    return percent(found.low)


def interval_text(interval: tuple[float, float]) -> str:
    """An interval of a share in per cent."""
    return f"{100 * interval[0]:.1f}–{100 * interval[1]:.1f}"


def full_text(found: Share) -> str:
    """A share with its interval."""
    if not found.n:
        return NOTHING
    return f"{value_text(found)} (95{_SPACE}% interval {interval_text(found.interval)})"


def counted(number: int, one: str, many: str = "") -> str:
    """`1 fact`, `2 facts`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def hidden_character(text: str) -> str | None:
    """The first control, bidirectional or invisible character of a text, as U+XXXX; or None."""
    for letter in text:
        if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
            return f"U+{ord(letter):04X}"
    return None
