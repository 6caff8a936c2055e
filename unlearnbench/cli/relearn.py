"""`unlearnbench relearn`."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from unlearnbench.cli.dry_run import check_dry, print_forecast
from unlearnbench.cli.grow import grown
from unlearnbench.cli.options import (
    BaseModel,
    BenchmarkName,
    CheckpointName,
    DryRun,
    Json,
    JudgeName,
    Limit,
    MaxCost,
    OnMachine,
    Price,
    Quiet,
    Source,
)
from unlearnbench.cli.output import quieten, stdout
from unlearnbench.cli.progress import progress
from unlearnbench.cli.stress import print_attacked
from unlearnbench.environment import this_process
from unlearnbench.types.execution import ExecutorOptions
from unlearnbench.types.options import EngineOptions, RunOptions

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
Long = Annotated[bool, typer.Option("--long", help="Train up to 2,048 steps.")]
Lora = Annotated[bool, typer.Option("--lora", help="Train an adapter instead of all weights.")]


@grown
def relearn(
    checkpoint: CheckpointName,
    benchmark: BenchmarkName = "wkf",
    source: Source = None,
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
    executor_options: ExecutorOptions = ExecutorOptions(),
    dry_run: DryRun = False,
    on: OnMachine = None,
    price: Price = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Test whether facts come back when a checkpoint is trained a little on something else.

    Example: unlearnbench relearn trained/my-checkpoint --arm disjoint --base smollm2-135m
    """
    quieten(quiet)
    check_dry(dry_run, on, price)
    from unlearnbench.api import attacks, planning

    if dry_run:
        plan = partial(planning.plan_relearn, checkpoint, benchmark, on=on, price=price)
        plan = partial(plan, source=source, arms=arm or (), profile=profile, long=long, lora=lora)
        plan = partial(plan, base=base, judge=judge, limit=limit, engine_options=engine_options)
        return print_forecast(plan(), json)
    with progress(quiet) as on_progress:
        attacked = attacks.relearn(
            checkpoint,
            benchmark,
            source=source,
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
            executor_options=executor_options,
            on_progress=on_progress,
        )
    return print_attacked(attacked, json, show_relearn) if this_process().first else 0


def show_relearn(record: FinishedRelearn) -> None:
    """Print the curves, then their summary."""
    from unlearnbench.cli.output import table

    console, identity = stdout(), record.identity
    title = (
        f"{identity.benchmark} {identity.benchmark_version} · {record.checkpoint} · "
        f"{identity.profile}{' · LoRA' if identity.lora else ''} · "
        f"judge {identity.judge}"
    )
    has_several_seeds = any(len(arm.seeds) > 1 for arm in record.arms.values())
    view = table(title, "arm", *(["seed"] if has_several_seeds else []), "step", *_COLUMNS.values())
    for name, arm in record.arms.items():
        for seed, points in arm.seeds.items():
            for point in points:
                cells = [_percent(getattr(point, n)) for n in _COLUMNS]
                view.add_row(name, *([seed] if has_several_seeds else []), str(point.step), *cells)
            view.add_section()
    console.print(view)
    console.print(
        "% of facts; forget: question or cloze. Controls for attack and judge: never (invented "
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
"""Figures of a point, and their headings in the table."""


def _show_summary(record: FinishedRelearn) -> None:
    from unlearnbench.attacks.relearn.summary import worn
    from unlearnbench.cli.output import strong
    from unlearnbench.cli.runs import print_findings

    console, summary = stdout(), record.summary
    for name, arm in summary.arms.items():
        low, high = (100 * x for x in arm.interval)
        net_low, net_high = (100 * x for x in arm.net.interval)
        reached = ", ".join(
            f"{share} after {steps}" if steps is not None else f"{share} not reached"
            for share, steps in arm.steps_to.items()
        )
        console.print(
            f"{name}: at most {100 * arm.maximum:.1f} % ({low:.1f}–{high:.1f}) at step "
            f"{arm.at_step}, net of control {100 * arm.net.value:.1f} points "
            f"({net_low:.1f} to {net_high:.1f}); area {100 * arm.area:.1f} %; {reached}",
            soft_wrap=True,
        )
        before, after = record.first.retain.high, min(arm.retain_at_end)
        if worn(before, after):
            console.print(
                f"  retain fell from {100 * before:.1f} to {100 * after:.1f} %: this training "
                "wipes out what it does not teach, so a low curve is weak evidence",
                soft_wrap=True,
            )
    ceiling = summary.ceiling
    unit = "all facts" if ceiling is None else f"the base model's {100 * ceiling:.1f} %"
    console.print(f"shares of {unit}")
    worst = summary.worst_benign
    if worst is not None:
        line = f"worst benign arm: {worst.arm}, {100 * worst.maximum:.1f} %"
        console.print(line, style="bold")
    print_findings(_step_0_findings(record))
    if summary.unranked:
        console.print(strong("not ranked:", f" {summary.unranked}"), soft_wrap=True)
    if record.n_open:
        console.print(strong(f"{record.n_open} probes are open", ": give the command again"))


def _step_0_findings(record: FinishedRelearn) -> list[dict[str, str]]:
    """Findings on the checkpoint's retain facts before any training."""
    from unlearnbench.scoring.findings import retain_finding

    base = record.ceiling.retain if record.ceiling else None
    finding = retain_finding(record.first.retain, base)
    return [{**asdict(finding), "text": f"step 0: {finding.text}"}] if finding else []


def _percent(score: Figures) -> str:
    if score.n_open:
        return f"{100 * score.low:.1f}–{100 * score.high:.1f}"
    return f"{100 * score.low:.1f}"
