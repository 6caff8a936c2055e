"""`unlearnbench relearn`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from unlearnbench.cli.grow import grown
from unlearnbench.cli.options import (
    BaseModel,
    BenchmarkName,
    CheckpointName,
    Json,
    JudgeName,
    Limit,
    MaxCost,
    Quiet,
)
from unlearnbench.cli.output import quieten, stdout
from unlearnbench.cli.progress import progress
from unlearnbench.cli.stress import print_attacked
from unlearnbench.options import EngineOptions, RunOptions

if TYPE_CHECKING:
    from unlearnbench.runs.schema import Figures, FinishedRelearn

ArmName = Annotated[
    list[str] | None,
    typer.Option(
        "--arm",
        help="disjoint, syntax, near, near-miss, prose, retain, half or forget; or benign, the "
        "first six. May be repeated.",
    ),
]
Scale = Annotated[
    str, typer.Option("--profile", help="quick (to 32 steps) or full (to 256, three seeds).")
]
Long = Annotated[bool, typer.Option("--long", help="Go on to 2,048 steps.")]
Lora = Annotated[bool, typer.Option("--lora", help="Train an adapter instead of all weights.")]


@grown
def relearn(
    checkpoint: CheckpointName,
    benchmark: BenchmarkName = "wkf",
    arm: ArmName = None,
    profile: Scale = "quick",
    long: Long = False,
    lora: Lora = False,
    base: BaseModel = None,
    judge: JudgeName = None,
    engine_options: EngineOptions = EngineOptions(),
    limit: Limit = None,
    max_cost: MaxCost = None,
    run_options: RunOptions = RunOptions(),
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Does it come back? Train a checkpoint a little on something else and ask along the way.

    Example: unlearnbench relearn trained/my-checkpoint --arm disjoint --base smollm2-135m
    """
    quieten(quiet)
    from unlearnbench.api import attacks

    with progress(quiet) as on_progress:
        attacked = attacks.relearn(
            checkpoint,
            benchmark,
            arms=arm or (),
            profile=profile,
            long=long,
            lora=lora,
            base=base,
            judge=judge,
            limit=limit,
            max_cost=max_cost,
            engine_options=engine_options,
            run_options=run_options,
            on_progress=on_progress,
        )
    return print_attacked(attacked, json, show_relearn)


def show_relearn(record: FinishedRelearn) -> None:
    """The curves, then what they come to."""
    from unlearnbench.cli.output import table

    console, identity = stdout(), record.identity
    title = (
        f"{identity.benchmark} {identity.benchmark_version} · {record.checkpoint} · "
        f"{identity.profile}{' · LoRA' if identity.lora else ''} · "
        f"judge {identity.judge}"
    )
    several = any(len(arm.seeds) > 1 for arm in record.arms.values())
    shown = table(title, "arm", *(["seed"] if several else []), "step", *_COLUMNS.values())
    for name, arm in record.arms.items():
        for seed, points in arm.seeds.items():
            for point in points:
                cells = [_percent(getattr(point, n)) for n in _COLUMNS]
                shown.add_row(name, *([seed] if several else []), str(point.step), *cells)
            shown.add_section()
    console.print(shown)
    console.print(
        "% of facts; forget: asked or cloze. What attack and judge make up: never (invented "
        "facts), other (other facts' answers)",
        soft_wrap=True,
    )
    _show_summary(record)


_COLUMNS = {
    "forget": "forget",
    "question": "asked",
    "cloze": "cloze",
    "never": "never",
    "shuffled": "other",
    "retain": "retain",
    "fluency": "fluent",
}
"""Figures of a point and how the table calls them."""


def _show_summary(record: FinishedRelearn) -> None:
    from unlearnbench.attacks.relearn.summary import worn
    from unlearnbench.cli.output import strong
    from unlearnbench.cli.runs import print_findings

    console, summary = stdout(), record.summary
    for name, found in summary.arms.items():
        low, high = (100 * x for x in found.interval)
        net_low, net_high = (100 * x for x in found.net.interval)
        reached = ", ".join(
            f"{share} after {steps}" if steps is not None else f"{share} not reached"
            for share, steps in found.steps_to.items()
        )
        console.print(
            f"{name}: at most {100 * found.maximum:.1f} % ({low:.1f}–{high:.1f}) at step "
            f"{found.at_step}, net of control {100 * found.net.value:.1f} points "
            f"({net_low:.1f} to {net_high:.1f}); area {100 * found.area:.1f} %; {reached}",
            soft_wrap=True,
        )
        before, after = record.first.retain.high, min(found.retain_at_end)
        if worn(before, after):
            console.print(
                f"  retain fell from {100 * before:.1f} to {100 * after:.1f} %: this training "
                "wipes out what it does not teach, so a low curve is weak evidence",
                soft_wrap=True,
            )
    ceiling = summary.ceiling
    of = "all facts" if ceiling is None else f"the base model's {100 * ceiling:.1f} %"
    console.print(f"shares of {of}")
    worst = summary.worst_benign
    if worst is not None:
        said = f"worst benign arm: {worst.arm}, {100 * worst.maximum:.1f} %"
        console.print(said, style="bold")
    print_findings(_at_first(record))
    if summary.unranked:
        console.print(strong("not ranked:", f" {summary.unranked}"), soft_wrap=True)
    if record.n_open:
        console.print(strong(f"{record.n_open} probes are open", ": give the command again"))


def _at_first(record: FinishedRelearn) -> list[dict[str, str]]:
    """Whether the checkpoint had lost its retain facts before anything was trained."""
    from unlearnbench.scoring.findings import retain_finding

    base = record.ceiling.retain if record.ceiling else None
    found = retain_finding(record.first.retain, base)
    return [{**asdict(found), "text": f"step 0: {found.text}"}] if found else []


def _percent(score: Figures) -> str:
    if score.n_open:
        return f"{100 * score.low:.1f}–{100 * score.high:.1f}"
    return f"{100 * score.low:.1f}"
