"""`unlearnbench score`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unlearnbench.cli.common import Json, MaxCost, Out, Quiet, Resume, progress, quieten
from unlearnbench.types import EngineOptions

Benchmark = Annotated[str, typer.Option(help="A shipped benchmark's name, or a folder.")]
Profile = Annotated[
    str | None, typer.Option(help="standard, quick, paper or never. Default: the benchmark's.")
]
JudgeName = Annotated[
    str | None, typer.Option("--judge", help="Who judges the answers. Default: the benchmark's.")
]
Engine = Annotated[str, typer.Option(help="What runs the model: transformers or replay.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")]
Dtype = Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16.")]
BatchSize = Annotated[str, typer.Option(help="Rows at a time: auto or a number.")]
ThinkTokens = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Room for a reasoning model's thoughts. Default: thinking is switched off where its "
        "template can, else 1024.",
    ),
]
Source = Annotated[
    str | None,
    typer.Option(help="With --benchmark lkf or tofu: the authors' files, from `hub` or a folder."),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first N facts of each split.")]
BaseRun = Annotated[
    Path | None,
    typer.Option(
        "--base", help="A run of the model before unlearning: how much was there to forget?"
    ),
]
Seed = Annotated[int, typer.Option(help="Seeds the draw of in-context examples.")]


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
    from unlearnbench import api
    from unlearnbench.cli.tables import print_run

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
