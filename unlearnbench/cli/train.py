"""`unlearnbench train`."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlearnbench.cli.options import (
    Benchmark,
    Device,
    Json,
    JudgeName,
    Profile,
    Quiet,
    Resume,
    Source,
)
from unlearnbench.cli.output import quieten, stdout
from unlearnbench.cli.progress import LAST_RUN, steps_bar
from unlearnbench.errors import TrainingError
from unlearnbench.types import Setting

if TYPE_CHECKING:
    from unlearnbench.api.training import Trained

Method = Annotated[str, typer.Option(help="jensun or a rival; `unlearnbench show plugins` lists.")]
Base = Annotated[str, typer.Option(help="The model to train: folder, hub id, alias, adapter.")]
Preset = Annotated[
    str | None,
    typer.Option(help="Measured settings: smollm2-135m. Default: the paper's."),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="NAME=VALUE of any setting or method parameter; may be repeated."),
]
Lr = Annotated[float | None, typer.Option(help="Peak learning rate.")]
Epochs = Annotated[float | None, typer.Option(help="Passes over the forget rows.")]
MaxSteps = Annotated[int | None, typer.Option(help="Optimiser steps at most.")]
BatchSize = Annotated[int | None, typer.Option(help="Forget rows a step, and as many retain rows.")]
Accumulation = Annotated[int | None, typer.Option(help="Micro-batches a step.")]
Precision = Annotated[
    str | None, typer.Option(help="auto, float32, bf16 or fp16 (autocast; weights stay float32).")
]
Lora = Annotated[int | None, typer.Option(help="Train a LoRA adapter of this rank instead.")]
Seed = Annotated[int | None, typer.Option(help="Seeds row order, dropout and adapters.")]
Sweep = Annotated[
    str | None,
    typer.Option(help="NAME=V1,V2,…: train and score each, and draw the trade-off."),
]
ReportTo = Annotated[str, typer.Option(help="none, tensorboard, wandb or trackio.")]
OutFolder = Annotated[
    Path | None, typer.Option(help="The checkpoint's folder. Default: trained/, named by content.")
]


def train(
    base: Base,
    method: Method = "jensun",
    benchmark: Benchmark = "wkf",
    preset: Preset = None,
    set_: Set = None,
    lr: Lr = None,
    epochs: Epochs = None,
    max_steps: MaxSteps = None,
    batch_size: BatchSize = None,
    accumulation: Accumulation = None,
    precision: Precision = None,
    lora: Lora = None,
    seed: Seed = None,
    sweep: Sweep = None,
    source: Source = None,
    profile: Profile = None,
    judge: JudgeName = None,
    device: Device = "auto",
    report_to: ReportTo = "none",
    out: OutFolder = None,
    resume: Resume = True,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Train a model to forget a benchmark's facts: JensUn, or a method it is compared with.

    Example: unlearnbench train --base smollm2-135m --benchmark wkf --preset smollm2-135m
    """
    quieten(quiet)
    changes = _changes(
        set_ or [],
        lr=lr,
        epochs=epochs,
        max_steps=max_steps,
        batch_size=batch_size,
        accumulation=accumulation,
        precision=precision,
        lora_rank=lora,
        seed=seed,
    )
    _check(sweep, source, profile or judge)
    if sweep is not None:
        from unlearnbench.cli.sweep import run_sweep

        job = (method, base, benchmark, preset, device)
        return run_sweep(job, sweep, changes, (profile, judge), out, json, quiet)
    from unlearnbench.api import training as api_train

    with steps_bar(quiet, method) as report:
        trained = api_train.train(
            method,
            base,
            benchmark,
            changes=changes,
            preset=preset,
            source=source,
            device=device,
            report_to=report_to,
            out=out,
            resume=resume,
            report=report,
            begun=LAST_RUN.append,
        )
    return _show(trained, benchmark, json)


def _check(sweep: str | None, source: str | None, scoring: str | None) -> None:
    if sweep is not None and source is not None:
        raise typer.BadParameter("--source does not go with --sweep; train and score by hand")
    if sweep is None and scoring is not None:
        raise typer.BadParameter("--profile and --judge belong to --sweep; score the result")


def _changes(given: list[str], **named: Setting | None) -> dict[str, Setting | str]:
    """What the user set: by flags of their own, and by `--set`, which decides."""
    flags = {name: value for name, value in named.items() if value is not None}
    return {**flags, **_pairs(given)}


def _pairs(given: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    wrong = next((name for name, sign, _ in pairs if not sign or not name), None)
    if wrong is not None:
        raise TrainingError(f"--set {wrong}: give NAME=VALUE")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _show(trained: Trained, benchmark: str, json: bool) -> int:
    from rich.table import Table

    record = trained.record
    if json:
        shown = {"folder": str(trained.folder), **record.model_dump(mode="json")}
        print(jsonlib.dumps(shown, ensure_ascii=False))
        return 0
    table = Table(title=f"{record.method} · {record.base['name']} · {record.data['benchmark']}")
    for heading in ("step", "loss", "forget", "retain"):
        table.add_column(heading, justify="right")
    every = max(1, len(record.curves) // 8)
    last = record.curves[-1:]
    for entry in [*record.curves[:-1:every], *last]:
        cells = [entry.get(name) for name in ("loss", "forget", "retain")]
        shown_cells = ["–" if value is None else f"{value:.4f}" for value in cells]
        table.add_row(str(int(entry["step"])), *shown_cells)
    console = stdout()
    console.print(table)
    for note in record.notes:
        console.print(f"note: {note}")
    console.print(
        f"{record.steps} steps ({record.stopped}), {record.seconds:.0f} s, "
        f"peak memory {record.peak_memory / 1e9:.2f} GB, {record.device}"
    )
    console.print(f"checkpoint: {trained.folder}", soft_wrap=True)
    console.print(
        f"next: unlearnbench score {trained.folder} --benchmark {benchmark}", soft_wrap=True
    )
    return 0
