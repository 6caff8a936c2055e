"""Names that hold a shorter name of something else: Papua New Guinea is not Guinea."""

from __future__ import annotations

from unlearnbench.judging.rules.tables import ARTICLES, LONGER_NAMES


def inside_longer_name(
    form: list[str], hay: list[str], place: int, own: frozenset[str] = frozenset()
) -> bool:
    """Whether what stands at `place` is only part of a longer name, which the answer is not.

    A longer name made of the answer's `own` words is the answer (`Martin Luther King` for `King`).
    """
    words = [(word, index) for index, word in enumerate(hay) if word not in ARTICLES]
    wanted = [word for word in form if word not in ARTICLES]
    for longer in LONGER_NAMES:
        if len(longer) <= len(wanted) or own >= set(longer) or not _holds(longer, wanted):
            continue
        for start in range(len(words) - len(longer) + 1):
            window = words[start : start + len(longer)]
            covers = window[0][1] <= place <= window[-1][1]
            if covers and [word for word, _ in window] == longer:
                return True
    return False


def _holds(longer: list[str], wanted: list[str]) -> bool:
    return any(longer[i : i + len(wanted)] == wanted for i in range(len(longer)))
