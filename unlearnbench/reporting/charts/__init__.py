"""The charts of report, board and sweep, all drawn here.

`curves`, `distance` and `scatter` turn figures into coordinates; `labels` names points, in places
that `places` lists and `layout` chooses by the `geometry` of all; `drawing` makes the SVG.
"""

from unlearnbench.reporting.charts.curves import (
    Curves,
    MeanPoint,
    curves_chart,
    mean_points,
    relearning_chart,
    relearning_curves,
    shown_name,
)
from unlearnbench.reporting.charts.distance import FORGOTTEN, Ring, RingShare, distance_chart
from unlearnbench.reporting.charts.drawing import svg_file, svg_in_page, svg_style
from unlearnbench.reporting.charts.scatter import Scatter, TradeOffPoint, trade_off_chart

__all__ = [
    "FORGOTTEN",
    "Curves",
    "MeanPoint",
    "Ring",
    "RingShare",
    "Scatter",
    "TradeOffPoint",
    "curves_chart",
    "distance_chart",
    "mean_points",
    "relearning_chart",
    "relearning_curves",
    "shown_name",
    "svg_file",
    "svg_in_page",
    "svg_style",
    "trade_off_chart",
]
