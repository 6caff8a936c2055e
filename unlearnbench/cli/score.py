"""`unlearnbench score`."""

from __future__ import annotations

from typing import Annotated

import typer

from unlearnbench.cli.options import (
    BaseRun,
    BatchSize,
    Benchmark,
    Device,
    Dtype,
    Engine,
    Json,
    JudgeName,
    Limit,
    MaxCost,
    Out,
    Profile,
    Quiet,
    Resume,
    Seed,
    Source,
    ThinkTokens,
)
from unlearnbench.cli.output import quieten
from unlearnbench.cli.progress import progress
from unlearnbench.types import EngineOptions


def score(
    checkpoint: Annotated[
        str, typer.Argument(help="Hub id, folder, PEFT adapter, .gguf file, alias (smollm2-135m).")
    ],
    benchmark: Benchmark = "wkf",
    profile: Profile = None,
    judge: JudgeName = None,
    engine: Engine = "transformers",
    device: Device = "auto",
    dtype: Dtype = "auto",
    batch_size: BatchSize = "auto",
    think_tokens: ThinkTokens = None,
    source: Source = None,
    limit: Limit = None,
    seed: Seed = 0,
    base: BaseRun = None,
    max_cost: MaxCost = None,
    out: Out = None,
    resume: Resume = True,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Score a checkpoint: ask every question every way, judge the answers, count the leaks.

    Example: unlearnbench score smollm2-135m --benchmark wkf --profile quick
    """
    quieten(quiet)
    options = engine_options(device, dtype, batch_size, think_tokens)
    from unlearnbench.api import scoring as api
    from unlearnbench.cli.runs import print_run

    with progress(quiet) as observe:
        run = api.score(
            checkpoint,
            benchmark,
            profile=profile,
            judge=judge,
            engine=engine,
            options=options,
            source=source,
            limit=limit,
            seed=seed,
            base=base,
            max_cost=max_cost,
            out=out,
            resume=resume,
            observe=observe,
        )
    return print_run(run, json)


def engine_options(
    device: str, dtype: str, batch_size: str, think_tokens: int | None = None
) -> EngineOptions:
    """The options as given. Raises `typer.BadParameter` for a batch size that is none."""
    known = batch_size.isdecimal() and len(batch_size) < 10 and int(batch_size) >= 1
    if batch_size != "auto" and not known:
        raise typer.BadParameter(f"--batch-size {batch_size}: auto, or a number from 1 up")
    rows = None if batch_size == "auto" else int(batch_size)
    return EngineOptions(device, dtype, rows, think_tokens)
