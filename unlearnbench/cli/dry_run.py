"""What `--dry-run` prints: memory, time and money, each with where the figure comes from."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from unlearnbench.cli.output import stdout, strong, table

if TYPE_CHECKING:
    from unlearnbench.planning.forecast import Forecast, PlannedFigure


def check_dry(dry_run: bool, on: str | None, price: float | None) -> None:
    """Refuse options that only a dry run reads."""
    if not dry_run and (on is not None or price is not None):
        raise typer.BadParameter("--on and --price belong to --dry-run, which runs nothing")


def print_forecast(forecast: Forecast, as_json: bool) -> int:
    """Print a plan, as JSON or as a table."""
    if as_json:
        print(json.dumps(asdict(forecast), ensure_ascii=False, indent=2))
        return 0
    console = stdout()
    title = f"{forecast.command} · {forecast.checkpoint} · {forecast.devices} × {forecast.machine}"
    view = table(title, "what", "of what", "kind", "figure", left=3)
    for figure in forecast.figures:
        view.add_row(figure.name, figure.why, figure.kind, _shown(figure))
    console.print(view)
    for note in forecast.notes:
        console.print(f"note: {note}", soft_wrap=True)
    if forecast.fits:
        console.print(strong("it fits", " (estimate); nothing was loaded"))
    else:
        console.print(strong("it does not fit", " (estimate); what would do (estimates):"))
        for way in forecast.advice:
            console.print(f"  {way}", soft_wrap=True)
        if not forecast.advice:
            console.print("  nothing that this version knows")
    return 0


def _shown(figure: PlannedFigure) -> str:
    value = figure.value
    if figure.unit == "B":
        return f"{value / 1e9:.2f} GB"
    if figure.unit == "USD":
        return f"${value:.2f}" if value >= 0.01 else f"${value:.4f}"
    if figure.unit == "s":
        return _duration(value)
    return f"{value:,.0f}"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
