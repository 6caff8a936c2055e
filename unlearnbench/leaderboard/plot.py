"""The charts of the board: a division's rows; a row's relearning curves and answers by distance."""

from __future__ import annotations

from markupsafe import Markup

from unlearnbench.leaderboard.board import Division
from unlearnbench.leaderboard.entry import Entry, RelearnColumn
from unlearnbench.reporting.charts import (
    TradeOffPoint,
    curves_chart,
    distance_chart,
    svg_in_page,
    trade_off_chart,
)
from unlearnbench.reporting.distance import Distance

MOST_POINTS = 100
"""Rows of a division that are plotted."""
MOST_NAMED_ROWS = 20
"""Rows of a larger division that are named, the first ones."""
_RANKED, _NOT_RANKED = 1, 8
"""Styles of marks."""
_Y_NAME = "known facts that leak, {} (less is better)"


def plot(division: Division, name: str = "plot", most: int = MOST_POINTS) -> Markup:
    """The anchors and the first rows of a division as SVG; `name` makes its ids."""
    points = [_point(anchor, is_reference=True, is_named=True) for anchor in division.anchors]
    points += [
        _point(row, is_reference=False, is_named=place < MOST_NAMED_ROWS)
        for place, row in enumerate(division.rows[:most])
    ]
    share = division.headline
    description = f"Each row's share that leaks, {share} (lower is better), and retain score "
    description += "(right is better). The figures are in the table."
    chart = trade_off_chart(points, y_name=_Y_NAME.format(share))
    title = f"Forgetting against usefulness, {division.title}"
    return svg_in_page(chart, name, title, description)


def relearning_plot(column: RelearnColumn) -> Markup | None:
    """The curves of a row as SVG; None where there is no point."""
    chart = curves_chart(column.curves, column.ceiling)
    if chart is None:
        return None
    ends = [f"{one.marks[0].tooltip}; {one.marks[-1].tooltip}." for one in chart.series]
    description = f"Share of forget facts that leak over optimiser steps. {' '.join(ends)}"
    return svg_in_page(chart, "relearning", "Relearning", description)


def distance_plot(distance: Distance) -> Markup | None:
    """What is answered by distance as SVG; None where there is nothing beside the forgotten."""
    chart = distance_chart(distance.places)
    if chart is None:
        return None
    ends = [f"{one.marks[0].tooltip}; {one.marks[-1].tooltip}." for one in chart.series]
    description = "Share of questions answered, from the forgotten facts outwards, near to far. "
    description += f"{' '.join(ends)} The figures are in the table."
    return svg_in_page(chart, "distance", "What is answered by distance", description)


def _point(row: Entry, is_reference: bool, is_named: bool) -> TradeOffPoint:
    leaks, retain = row.among_known, row.scores["retain.mean"]
    ranked = is_reference or row.rank is not None
    return TradeOffPoint(
        name=row.claim.name,
        worst_case=leaks.value,
        retain=retain.value,
        worst_case_interval=(leaks.low, leaks.high),
        retain_interval=(retain.low, retain.high),
        style=_RANKED if ranked else _NOT_RANKED,
        is_reference=is_reference,
        is_always_named=is_named,
        note="" if ranked else "not ranked",
    )
