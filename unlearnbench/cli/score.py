"""`unlearnbench score`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from unlearnbench.cli import complete
from unlearnbench.cli.dry_run import check_dry, print_forecast
from unlearnbench.cli.grow import grown
from unlearnbench.cli.options import (
    BaseRun,
    DryRun,
    Json,
    JudgeName,
    Limit,
    MaxCost,
    OnMachine,
    Price,
    ProfileName,
    Quiet,
    Seed,
    Source,
)
from unlearnbench.cli.output import quieten
from unlearnbench.cli.progress import progress
from unlearnbench.types.execution import ExecutorOptions
from unlearnbench.types.options import EngineOptions, RunOptions, UtilityOptions

BenchmarkNames = Annotated[
    list[str],
    typer.Option(
        help="A shipped benchmark's name, or a folder; several: NAME,NAME or repeated.",
        autocompletion=complete.benchmarks,
    ),
]
EngineName = Annotated[
    str,
    typer.Option(
        help="What runs the model: transformers, vllm, endpoint (a server: endpoint:URL) or "
        "replay.",
        autocompletion=complete.engines,
    ),
]
ServedOrNot = Annotated[
    str,
    typer.Argument(
        help="Hub id (owner/name@revision), folder, PEFT adapter, .gguf file or alias "
        "(smollm2-135m); with --engine endpoint the server's name of the model, like --model.",
        autocompletion=complete.aliases,
        show_default=False,
    ),
]


@grown
def score(
    checkpoint: ServedOrNot = "",
    benchmark: BenchmarkNames = ["wkf"],  # noqa: B006  # typer copies it
    profile: ProfileName = None,
    judge: JudgeName = None,
    engine: EngineName = "transformers",
    engine_options: EngineOptions = EngineOptions(),
    source: Source = None,
    limit: Limit = None,
    seed: Seed = 0,
    base: BaseRun = None,
    max_cost: MaxCost = None,
    run_options: RunOptions = RunOptions(),
    executor_options: ExecutorOptions = ExecutorOptions(),
    utility_options: UtilityOptions = UtilityOptions(),
    dry_run: DryRun = False,
    on: OnMachine = None,
    price: Price = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Score a checkpoint: ask every question in every way, judge the answers, count the leaks.

    Example: unlearnbench score smollm2-135m --benchmark wkf --profile quick
    """
    quieten(quiet)
    from unlearnbench.api import scoring
    from unlearnbench.cli.runs import print_run, print_runs
    from unlearnbench.runs.several import Runs

    if not checkpoint and engine_options.model is None:
        taken = utility_options.utility[:1]
        swallowed = f", before --utility: {taken[0]} was taken for its value" if taken else ""
        raise typer.BadParameter(f"name the CHECKPOINT{swallowed}")
    names = benchmark_list(benchmark)
    check_dry(dry_run, on, price)
    if dry_run:
        from unlearnbench.api import planning

        plan = partial(planning.plan_score, checkpoint, names, on=on, price=price, seed=seed)
        plan = partial(plan, engine=engine)
        plan = partial(plan, profile=profile, judge=judge, source=source, limit=limit)
        forecast = plan(engine_options=engine_options, utility_options=utility_options)
        return print_forecast(forecast, json)
    with progress(quiet) as on_progress:
        result = scoring.score(
            checkpoint,
            names if len(names) > 1 else names[0],
            profile=profile,
            judge=judge,
            engine=engine,
            source=source,
            limit=limit,
            seed=seed,
            base=base,
            max_cost=max_cost,
            engine_options=engine_options,
            run_options=run_options,
            executor_options=executor_options,
            utility_options=utility_options,
            on_progress=on_progress,
        )
    return print_runs(result, json) if isinstance(result, Runs) else print_run(result, json)


def benchmark_list(typed: list[str]) -> list[str]:
    """The typed benchmarks: one per option, or several separated by commas.

    The subjects of `rwku:Prince Harry, Duke of Sussex` are no benchmarks.
    """
    names = []
    for text in typed:
        whole = text.startswith("rwku:") or Path(text).exists()
        names += [text] if whole else [name.strip() for name in text.split(",")]
    if not all(names):
        raise typer.BadParameter(f"--benchmark {','.join(typed)}: a name is missing")
    return names
