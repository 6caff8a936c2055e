"""Measure a judge on labelled answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unlearnbench.interfaces import Judge
    from unlearnbench.judging.calibrate import Calibration


def calibrate(
    judge: str | Judge,
    items: Sequence[str | Path] = (),
    *,
    max_cost: float | None = None,
) -> Calibration:
    """Measure a judge on labelled answers: how often is it right, and which way does it err?

    Example:
        >>> result = calibrate("rules", ["my-items.jsonl"])

    Args:
        judge: Name (`NAME` or `NAME:ARGUMENT`) or object.
        items: JSONL tables of labelled answers. Default: the tables that ship.
        max_cost: US dollars that each paid judge may spend; what does not fit fails.

    Returns:
        Accuracy, sensitivity and specificity with 95 % intervals, by category and in all.

    Raises:
        JudgeError: For an unknown judge or a table that cannot be read.
    """
    from unlearnbench.judging import calibrate as measuring
    from unlearnbench.judging.catalogue import make_judge

    paths = [Path(path) for path in items] or measuring.default_items()
    table = [item for path in paths for item in measuring.load_items(path)]
    measured = make_judge(judge, max_cost) if isinstance(judge, str) else judge
    return measuring.calibrate_judge(measured, table)
