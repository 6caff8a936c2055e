"""`unlearnbench train --sweep`."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnbench.cli.output import stdout
from unlearnbench.errors import TrainingError
from unlearnbench.naming import label
from unlearnbench.types import Setting

if TYPE_CHECKING:
    from unlearnbench.api.sweep import Point


def run_sweep(
    job: tuple[str, str, str, str | None, str],
    grid: str,
    changes: Mapping[str, Setting | str],
    scoring: tuple[str | None, str | None],
    out: Path | None,
    json: bool,
    quiet: bool,
) -> int:
    """Train and score each value of the grid; print the points as a table or as JSON.

    `job`: method, base, benchmark, preset, device. `scoring`: profile and judge.
    """
    method, base, benchmark, preset, device = job
    from unlearnbench.api.sweep import sweep

    setting, values = _grid(grid)
    name = label("sweep", benchmark, Path(base).name, method, setting)
    folder = out or Path("trained") / name
    console = stdout()

    def told(point: Point) -> None:
        if not quiet:
            console.print(
                f"note: {setting}={point.value}: worst case {point.worst_case:.1%}, "
                f"retain {point.retain:.1%}",
                soft_wrap=True,
            )

    points = sweep(
        method,
        base,
        benchmark,
        setting,
        values,
        changes,
        folder,
        preset=preset,
        device=device,
        profile=scoring[0],
        judge=scoring[1],
        told=(lambda point: None) if json else told,
    )
    if json:
        print(jsonlib.dumps([asdict(point) for point in points]))
    else:
        _show(points, setting)
        console.print(f"points, table and plot: {folder}/tradeoff.json, .csv, .svg", soft_wrap=True)
    return 1 if any(point.n_open for point in points) else 0


def _grid(text: str) -> tuple[str, list[str]]:
    setting, _, listed = text.partition("=")
    values = list(dict.fromkeys(value.strip() for value in listed.split(",") if value.strip()))
    if not setting or not values:
        raise TrainingError(f"--sweep {text}: give NAME=VALUE,VALUE,…, such as lambda_r=0.1,0.5,1")
    return setting, values


def _show(points: list[Point], setting: str) -> None:
    from rich.table import Table

    table = Table()
    for heading in (setting, "worst case", "retain", "fluency", "open"):
        table.add_column(heading, justify="right")
    table.add_column("warnings")
    for point in points:
        rates = (point.worst_case, point.retain, point.fluency)
        cells = (*(f"{100 * rate:.1f} %" for rate in rates), str(point.n_open))
        table.add_row(point.value, *cells, ", ".join(point.warnings))
    stdout().print(table)
