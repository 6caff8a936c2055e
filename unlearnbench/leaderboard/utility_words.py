"""What the board says of a row's utility, most of all where there is none."""

from __future__ import annotations

from unlearnbench.display import percent
from unlearnbench.leaderboard.entry import Entry, UtilityFigure
from unlearnbench.leaderboard.ranking import COMPOSITE

_NOT_MEASURED = "Utility not measured"


def utility_in_short(row: Entry) -> str:
    """Why a row has no figure in the column."""
    if row.utility is None:
        return "not measured"
    if row.utility_rule == "base not measured":
        return "base not measured"
    return "not comparable"


def utility_in_words(row: Entry) -> str:
    """What a row's page says: the figure and what it means for the rank, or what is missing."""
    rule = row.utility_rule
    if row.utility is None:
        return f"{_NOT_MEASURED}. {_WITHOUT[rule]}"
    if rule == "base not measured":
        return (
            "Measured, but the accepted base was not: there is nothing to compare with, so that "
            "the row is ranked by retain and fluency alone."
        )
    if row.utility.composite is None:
        return "It cannot be compared with the base's, so that the row is not ranked."
    return (
        f"{percent(row.utility.composite)} of the base's is left; a row needs "
        f"{percent(COMPOSITE)}. Derived here from the letters, answers and log-probabilities that "
        "the submitter sent; the base's are the board's own."
    )


_WITHOUT = {
    "base not measured": "Nor is its base's: the row is ranked by retain and fluency alone.",
    "sent before": "The row was sent before utility was part of a row; it keeps its place by "
    "retain and fluency alone, until its submitter sends it again.",
    "missing": "Its base's is, so that the row is not ranked until its submitter sends its own.",
}


def figure(one: UtilityFigure) -> str:
    """A metric with its interval; three digits after the point, one where it is above a hundred."""
    digits = 1 if abs(one.value) >= 100 else 3
    if one.interval is None:
        return f"{one.value:.{digits}f}"
    low, high = one.interval
    return f"{one.value:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"
