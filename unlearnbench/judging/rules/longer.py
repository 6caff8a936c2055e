"""Names that hold a shorter name of something else: Papua New Guinea is not Guinea."""

from __future__ import annotations

from functools import lru_cache

from unlearnbench.judging.rules.tables import ARTICLES, LONGER_NAMES


def inside_longer_name(
    form: list[str], hay: list[str], place: int, own: frozenset[str] = frozenset()
) -> bool:
    """Whether what stands at `place` is only part of a longer name, which the answer is not.

    A longer name made of the answer's `own` words is the answer (`Martin Luther King` for `King`).
    """
    wanted = tuple(word for word in form if word not in ARTICLES)
    candidates = [longer for longer in _longer_names(wanted) if not own >= set(longer)]
    if not candidates:
        return False
    words = [(word, index) for index, word in enumerate(hay) if word not in ARTICLES]
    for longer in candidates:
        for start in range(len(words) - len(longer) + 1):
            window = words[start : start + len(longer)]
            covers = window[0][1] <= place <= window[-1][1]
            if covers and [word for word, _ in window] == longer:
                return True
    return False


@lru_cache(maxsize=1 << 14)
def _longer_names(wanted: tuple[str, ...]) -> tuple[list[str], ...]:
    """The longer names that hold these words."""
    fitting = (longer for longer in LONGER_NAMES if len(longer) > len(wanted))
    return tuple(longer for longer in fitting if _holds(longer, wanted))


def _holds(longer: list[str], wanted: tuple[str, ...]) -> bool:
    n = len(wanted)
    return any(tuple(longer[i : i + n]) == wanted for i in range(len(longer)))
