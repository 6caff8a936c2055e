"""`unlearnbench train`."""

from __future__ import annotations

import json as jsonlib
import shlex
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from unlearnbench.cli import complete
from unlearnbench.cli.dry_run import check_dry, print_forecast
from unlearnbench.cli.grow import grown
from unlearnbench.cli.options import (
    BenchmarkName,
    DryRun,
    Json,
    JudgeName,
    OnMachine,
    Price,
    ProfileName,
    Quiet,
    Source,
)
from unlearnbench.cli.output import quieten, stdout
from unlearnbench.cli.progress import progress
from unlearnbench.environment import this_process
from unlearnbench.types.options import RunOptions, TrainOptions, UtilityOptions

if TYPE_CHECKING:
    from unlearnbench.api.training import Trained

Method = Annotated[
    str,
    typer.Option(
        help="jensun or another method; `unlearnbench show plugins` lists them.",
        autocompletion=complete.methods,
    ),
]
Base = Annotated[str, typer.Option(help="The model to train: folder, hub id, alias, adapter.")]
Grid = Annotated[
    str | None,
    typer.Option("--sweep", help="NAME=V1,V2,…: train and score each, and draw the trade-off."),
]


@grown
def train(
    base: Base,
    method: Method = "jensun",
    benchmark: BenchmarkName = "wkf",
    train_options: TrainOptions = TrainOptions(),
    sweep: Grid = None,
    source: Source = None,
    profile: ProfileName = None,
    judge: JudgeName = None,
    run_options: RunOptions = RunOptions(),
    utility_options: UtilityOptions = UtilityOptions(),
    dry_run: DryRun = False,
    on: OnMachine = None,
    price: Price = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Train a model to forget a benchmark's facts, with JensUn or another method.

    Example: unlearnbench train --base smollm2-135m --benchmark wkf --preset smollm2-135m
    """
    quieten(quiet)
    _check(sweep, profile or judge, utility_options, dry_run)
    check_dry(dry_run, on, price)
    if dry_run:
        from unlearnbench.api import planning

        plan = partial(planning.plan_train, base, benchmark, on=on, price=price)
        return print_forecast(plan(method=method, source=source, train_options=train_options), json)
    from unlearnbench.api.sweep import sweep as run_sweep
    from unlearnbench.api.training import train as run_training
    from unlearnbench.cli.sweep import grid, print_sweep

    with progress(quiet) as on_progress:
        if sweep is not None:
            setting, values = grid(sweep)
            swept = run_sweep(
                base,
                setting,
                values,
                benchmark,
                method=method,
                source=source,
                profile=profile,
                judge=judge,
                train_options=train_options,
                run_options=run_options,
                utility_options=utility_options,
                on_progress=on_progress,
            )
            return print_sweep(swept, json)
        trained = run_training(
            base,
            benchmark,
            method=method,
            source=source,
            train_options=train_options,
            run_options=run_options,
            on_progress=on_progress,
        )
    return _show(trained, benchmark, source, json) if this_process().first else 0


def _check(sweep: str | None, scoring: str | None, utility: UtilityOptions, dry_run: bool) -> None:
    if sweep is not None and dry_run:
        raise typer.BadParameter("--dry-run plans one training; give it without --sweep")
    if sweep is not None and this_process().count > 1:
        raise typer.BadParameter("--sweep scores too, in one process; train each value by itself")
    if sweep is None and (scoring or utility.utility or utility.utility_limit):
        raise typer.BadParameter(
            "--profile, --judge and --utility belong to --sweep; score the result"
        )


def _show(trained: Trained, benchmark: str, source: str | None, json: bool) -> int:
    from unlearnbench.cli.output import table

    record = trained.record
    if json:
        output = {"folder": str(trained.folder), **record.to_disk()}
        print(jsonlib.dumps(output, ensure_ascii=False))
        return 0
    title = f"{record.method} · {record.base.name} · {record.data.benchmark}"
    view = table(title, "step", "loss", "forget", "retain", left=0)
    every = max(1, len(record.curves) // 8)
    last = record.curves[-1:]
    for entry in [*record.curves[:-1:every], *last]:
        cells = [entry.get(name) for name in ("loss", "forget", "retain")]
        texts = ["–" if value is None else f"{value:.4f}" for value in cells]
        view.add_row(str(int(entry["step"])), *texts)
    console = stdout()
    console.print(view)
    for note in record.notes:
        console.print(f"note: {note}")
    console.print(
        f"{record.steps} steps ({record.stopped}), {record.seconds:.0f} s, "
        f"peak memory {record.peak_memory / 1e9:.2f} GB, {record.device}"
    )
    console.print(f"checkpoint: {trained.folder}", soft_wrap=True)
    words = ["score", str(trained.folder), "--benchmark", benchmark]
    words += [] if source is None else ["--source", source]
    console.print(f"next: unlearnbench {shlex.join(words)}", soft_wrap=True)
    return 0
