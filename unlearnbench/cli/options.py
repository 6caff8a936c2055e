"""Every option that more than one command has, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    pass


Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of tables.")]


Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no notes.")]


Out = Annotated[
    Path | None, typer.Option(help="The run's folder. Default: runs/, named by content.")
]


MaxCost = Annotated[
    float | None,
    typer.Option(help="US dollars that each paid judge may spend; what does not fit stays open."),
]


Resume = Annotated[
    bool,
    typer.Option("--resume/--no-resume", help="Go on with a run that was begun, or start anew."),
]


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
