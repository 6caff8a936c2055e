"""How numbers and words are written on the page."""

from __future__ import annotations

from collections.abc import Sequence

from unlearnbench.runs.shapes import Figures

NOTHING = "–"
_SPACE = "\N{NO-BREAK SPACE}"


def percent(share: float) -> str:
    """0.123 as `12.3 %`."""
    return f"{100 * share:.1f}{_SPACE}%"


def value_text(found: Figures) -> str:
    """A share, or the range it lies in while something is open."""
    if not found.n:
        return NOTHING
    if found.n_open:
        return f"{100 * found.low:.1f} … {percent(found.high)}"
    return percent(found.low)


def interval_text(interval: tuple[float, float]) -> str:
    """An interval of a share in per cent."""
    return f"{100 * interval[0]:.1f}–{100 * interval[1]:.1f}"


def full_text(found: Figures) -> str:
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
