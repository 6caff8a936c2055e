"""`unlearnbench score`."""

from __future__ import annotations

from typing import Annotated

import typer

from unlearnbench.cli import complete
from unlearnbench.cli.grow import grown
from unlearnbench.cli.options import (
    BaseRun,
    BenchmarkName,
    CheckpointName,
    Json,
    JudgeName,
    Limit,
    MaxCost,
    ProfileName,
    Quiet,
    Seed,
    Source,
)
from unlearnbench.cli.output import quieten
from unlearnbench.cli.progress import progress
from unlearnbench.options import EngineOptions, RunOptions

EngineName = Annotated[
    str,
    typer.Option(
        help="What runs the model: transformers or replay.", autocompletion=complete.engines
    ),
]


@grown
def score(
    checkpoint: CheckpointName,
    benchmark: BenchmarkName = "wkf",
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
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Score a checkpoint: ask every question every way, judge the answers, count the leaks.

    Example: unlearnbench score smollm2-135m --benchmark wkf --profile quick
    """
    quieten(quiet)
    from unlearnbench.api import scoring
    from unlearnbench.cli.runs import print_run

    with progress(quiet) as on_progress:
        run = scoring.score(
            checkpoint,
            benchmark,
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
            on_progress=on_progress,
        )
    return print_run(run, json)
