"""`unlearnbench campaign`."""

from __future__ import annotations

import json as jsonlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlearnbench.cli.options import Json, Quiet
from unlearnbench.cli.output import quieten, stdout, strong

if TYPE_CHECKING:
    from unlearnbench.api.campaign import Campaign

Plan = Annotated[Path, typer.Argument(help="A TOML file: models, methods, settings, seeds.")]
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Jobs at once.")]
Snakemake = Annotated[
    str, typer.Option(help="More options of Snakemake: '--executor slurm', '--profile DIR', ….")
]


def campaign(
    plan: Plan,
    out: Annotated[
        Path | None, typer.Option(help="Folder of all results. Default: campaigns/PLAN.")
    ] = None,
    jobs: Jobs = 1,
    snakemake: Snakemake = "",
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Train, score and attack all that a plan names, here or on a cluster, by Snakemake.

    Example: unlearnbench campaign plan.toml --jobs 2
    """
    quieten(quiet)
    from unlearnbench.api.campaign import campaign as run_campaign

    result = run_campaign(plan, out, jobs=jobs, snakemake=snakemake, quiet=quiet)
    if json:
        rows = [asdict(row) for row in result.rows]
        logs = {key: str(log) if log else None for key, log in result.unfinished}
        print(jsonlib.dumps({"folder": str(result.folder), "rows": rows, "unfinished": logs}))
    else:
        _show(result)
    return 1 if result.unfinished else 0


def _show(result: Campaign) -> None:
    from unlearnbench.cli.output import table

    view = table("", "checkpoint", "worst case", "retain", "stress", "relearnt")
    view.add_column("warnings", overflow="fold")
    for row in result.rows:
        seed = "" if row.seed is None else f"seed {row.seed}"
        name = f"{row.model}: " + ", ".join(filter(None, (row.method, row.settings, seed)))
        figures = (row.worst_case, row.retain, row.stress, row.relearnt)
        cells = ["–" if x is None else f"{100 * x:.1f} %" for x in figures]
        view.add_row(name, *cells, row.warnings.replace(" ", ", "))
    console = stdout()
    console.print(view)
    for key, log in result.unfinished[:10]:
        why = f"see {log}" if log else "a job that it needs is not finished"
        console.print(strong("not finished:", f" {key}; {why}"), soft_wrap=True)
    console.print(f"{result.done} of {result.total} jobs finished", soft_wrap=True)
    console.print(f"table and report: {result.folder}/table.csv, report.html", soft_wrap=True)
