"""The grid of `unlearnbench train --sweep`, and how its points are shown."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from unlearnbench.cli.output import stdout
from unlearnbench.errors import TrainingError

if TYPE_CHECKING:
    from unlearnbench.api.sweep import Sweep, SweepPoint


def print_sweep(swept: Sweep, json: bool) -> int:
    """Print the points as a table or as JSON; the exit code is 1 while facts are open."""
    if json:
        print(jsonlib.dumps([asdict(point) for point in swept.points]))
    else:
        _show(swept.points)
        files = f"{swept.folder}/tradeoff.json, .csv, .svg"
        stdout().print(f"points, table and plot: {files}", soft_wrap=True)
    return 1 if any(point.n_open for point in swept.points) else 0


def grid(text: str) -> tuple[str, list[str]]:
    """The setting and its values. Raises `TrainingError` unless given `NAME=VALUE,…`."""
    setting, _, listed = text.partition("=")
    values = list(dict.fromkeys(value.strip() for value in listed.split(",") if value.strip()))
    if not setting or not values:
        raise TrainingError(f"--sweep {text}: give NAME=VALUE,VALUE,…, such as lambda_r=0.1,0.5,1")
    return setting, values


def _show(points: Sequence[SweepPoint]) -> None:
    from unlearnbench.cli.output import table

    measured = any(point.utility is not None for point in points)
    headings = ("worst case", "retain", "fluency", *(["utility"] if measured else []), "open")
    view = table("", points[0].setting, *headings)
    view.add_column("warnings", overflow="fold")
    for point in points:
        utility = (point.utility,) if measured else ()
        rates = (point.worst_case, point.retain, point.fluency, *utility)
        shares = ("–" if rate is None else f"{100 * rate:.1f} %" for rate in rates)
        cells = (*shares, str(point.n_open))
        view.add_row(point.value, *cells, ", ".join(point.warnings))
    stdout().print(view)
