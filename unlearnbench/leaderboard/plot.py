"""The plot of a division: worst case as best known against retain, a point a row."""

from __future__ import annotations

from markupsafe import Markup

from unlearnbench.leaderboard.board import Division
from unlearnbench.leaderboard.entry import Entry
from unlearnbench.reporting.charts import TradeOffPoint, svg_in_page, trade_off_chart

MOST_POINTS = 100
"""Rows of a division that are plotted."""


def plot(division: Division) -> Markup:
    """The anchors and the first rows of a division as SVG."""
    points = [_point(anchor, is_reference=True) for anchor in division.anchors]
    points += [_point(row) for row in division.rows[:MOST_POINTS]]
    description = "Each row's worst case (lower is better) and retain score (right is better). "
    description += "The figures are in the table below."
    chart = trade_off_chart(points)
    return svg_in_page(chart, "plot", "Forgetting against usefulness", description)


def _point(row: Entry, is_reference: bool = False) -> TradeOffPoint:
    known, retain = row.known.worst_case, row.scores["retain.mean"]
    worst = row.scores["forget.worst_case"]
    return TradeOffPoint(
        name=row.claim.name,
        worst_case=row.worst,
        retain=retain.value,
        worst_case_interval=known.score.interval if known else (worst.low, worst.high),
        retain_interval=(retain.low, retain.high),
        is_reference=is_reference,
    )
