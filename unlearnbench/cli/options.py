"""Arguments and options that several commands share and that are not in an option class."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unlearnbench.cli import complete

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of tables.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no notes.")]
CheckpointName = Annotated[
    str,
    typer.Argument(
        help="Hub id (owner/name@revision), folder, PEFT adapter, .gguf file or alias "
        "(smollm2-135m).",
        autocompletion=complete.aliases,
    ),
]
BenchmarkName = Annotated[
    str,
    typer.Option(
        help="A shipped benchmark's name, or a folder.", autocompletion=complete.benchmarks
    ),
]
JudgeName = Annotated[
    str | None,
    typer.Option(
        "--judge",
        help="The judge of the answers. Default: the benchmark's.",
        autocompletion=complete.judges,
    ),
]
ProfileName = Annotated[
    str | None,
    typer.Option(
        help="standard, strict, quick, paper or never. Default: the benchmark's.",
        autocompletion=complete.profiles,
    ),
]
Source = Annotated[
    str | None,
    typer.Option(
        help="With --benchmark lkf, tofu, rwku, muse or wmdp: the authors' files, from `hub` or a "
        "folder."
    ),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first N facts of each split.")]
Seed = Annotated[int, typer.Option(help="Seeds in-context examples and drawn answers.")]
MaxCost = Annotated[
    float | None,
    typer.Option(help="US dollars that each paid judge may spend; the rest stays open."),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")]
BaseRun = Annotated[
    Path | None,
    typer.Option(
        "--base", help="A run of the model before unlearning: how much was there to forget?"
    ),
]
Bases = Annotated[
    Path | None, typer.Option(help="Folder of accepted base runs. Default: those that ship.")
]
Against = Annotated[
    Path | None,
    typer.Option(
        help="Folder of submissions; a copy of one of them is refused. Default: those that ship."
    ),
]
Public = Annotated[
    bool, typer.Option("--public", help="Everybody may read it, even if its benchmark is private.")
]
BaseModel = Annotated[
    str | None, typer.Option(help="The model before unlearning, to compare with.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only estimate what it would cost; make no calls.")
]
OnMachine = Annotated[
    str | None,
    typer.Option(
        "--on",
        help="With --dry-run: another machine than this one, such as 8xH100, cpu or MINE.toml.",
    ),
]
Price = Annotated[
    float | None,
    typer.Option("--price", help="With --dry-run: US dollars a device and hour."),
]
