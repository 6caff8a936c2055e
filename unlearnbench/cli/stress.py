"""`unlearnbench stress`."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from unlearnbench.cli import complete
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
    Seed,
    Source,
)
from unlearnbench.cli.output import quieten, stdout
from unlearnbench.cli.progress import progress
from unlearnbench.types.execution import ExecutorOptions
from unlearnbench.types.options import EngineOptions, RunOptions

if TYPE_CHECKING:
    from unlearnbench.api.attacks import Attacked, R
    from unlearnbench.runs.schema import Figures, FinishedStress

EXIT_OPEN = 1
Only = Annotated[
    list[str] | None,
    typer.Option(
        help="Only this test; may be repeated. `unlearnbench show plugins` lists them.",
        autocompletion=complete.stress_tests,
    ),
]
EngineName = Annotated[
    str,
    typer.Option(
        help="What asks the model: transformers, or vllm, which leaves out the tests that need the "
        "weights.",
    ),
]
Scale = Annotated[
    str, typer.Option("--profile", help="quick, or full: more paraphrases and samples.")
]


@grown
def stress(
    checkpoint: CheckpointName,
    benchmark: BenchmarkName = "wkf",
    source: Source = None,
    only: Only = None,
    base: BaseModel = None,
    profile: Scale = "quick",
    engine: EngineName = "transformers",
    judge: JudgeName = None,
    engine_options: EngineOptions = EngineOptions(),
    limit: Limit = None,
    seed: Seed = 0,
    max_cost: MaxCost = None,
    run_options: RunOptions = RunOptions(),
    executor_options: ExecutorOptions = ExecutorOptions(),
    dry_run: DryRun = False,
    on: OnMachine = None,
    price: Price = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Test whether facts leak in other ways: sampled answers, rounded weights, other formats.

    Example: unlearnbench stress trained/my-checkpoint --benchmark wkf --base smollm2-135m
    """
    quieten(quiet)
    check_dry(dry_run, on, price)
    from unlearnbench.api import attacks, planning

    if dry_run:
        plan = planning.plan_stress(
            checkpoint,
            benchmark,
            on=on,
            price=price,
            source=source,
            only=only or (),
            base=base,
            profile=profile,
            judge=judge,
            engine=engine,
            limit=limit,
            seed=seed,
            engine_options=engine_options,
        )
        return print_forecast(plan, json)
    with progress(quiet) as on_progress:
        attacked = attacks.stress(
            checkpoint,
            benchmark,
            source=source,
            only=only or (),
            base=base,
            profile=profile,
            engine=engine,
            judge=judge,
            limit=limit,
            seed=seed,
            max_cost=max_cost,
            engine_options=engine_options,
            run_options=run_options,
            executor_options=executor_options,
            on_progress=on_progress,
        )
    return print_attacked(attacked, json, show_stress)


def print_attacked(attacked: Attacked[R], json: bool, show: Callable[[R], None]) -> int:
    """Print a record as JSON or as `show` does; the exit code is 1 while facts are open."""
    record = attacked.record
    if json:
        print(jsonlib.dumps({"run": str(attacked.folder), **record.to_disk()}, ensure_ascii=False))
    else:
        show(record)
        stdout().print(f"run: {attacked.folder}", soft_wrap=True)
    return EXIT_OPEN if record.n_open else 0


def show_stress(record: FinishedStress) -> None:
    """Print a table of doors and the share of facts that leak through each."""
    from unlearnbench.cli.output import strong, table
    from unlearnbench.cli.runs import print_findings
    from unlearnbench.submissions.layout import NOT_COMPARED

    console, identity, baseline = stdout(), record.identity, record.baseline
    title = (
        f"{identity.benchmark} {identity.benchmark_version} · {record.checkpoint} · "
        f"{identity.profile} · judge {identity.judge}"
        f"{f' · engine {identity.engine}' if identity.engine else ''}"
    )
    view = table(title, "door", "leaked", "95 %", "new", "control", "probes")
    view.add_row("as score asks", *_rate(baseline.score), "", _control(baseline.control), "")
    for name, door in record.findings.items():
        if door.score is None:
            continue
        view.add_row(
            name if door.ranked else f"{name} *",
            *_rate(door.score),
            f"+{len(door.beyond)}",
            _control(door.control),
            str(door.probes),
        )
    cells = (*_rate(record.union.score), f"+{len(record.union.beyond)}", "", "")
    view.add_row(_all_doors(record), *cells, style="bold")
    console.print(view)
    console.print("new: facts that score did not find; *: a diagnostic, not part of the last line")
    for name, door in record.findings.items():
        if door.note:
            console.print(f"{name}: {door.note}", soft_wrap=True)
    for test, why in record.left_out.items():
        console.print(strong("left out:", f" {test} {why}"), soft_wrap=True)
    if record.compared is False:
        console.print(strong("not compared:", f" {NOT_COMPARED}"), soft_wrap=True)
    print_findings([finding.model_dump() for finding in baseline.findings])
    if baseline.unranked:
        console.print(strong("not ranked:", f" {baseline.unranked}"), soft_wrap=True)
    if record.n_open:
        console.print(strong(f"{record.n_open} facts are open", ": give the command again"))


def _all_doors(record: FinishedStress) -> str:
    """The name of the last line, which says what is missing from it."""
    from unlearnbench.attacks.stress.plans import RANKED

    missing = [test for test in record.left_out if test in RANKED]
    return f"all doors but {', '.join(missing)}" if missing else "all doors together"


def _rate(score: Figures) -> tuple[str, str]:
    low, high = (100 * x for x in score.interval)
    value = f"{100 * score.low:.1f} %"
    if score.n_open:
        value = f"{100 * score.low:.1f}–{100 * score.high:.1f} %"
    return value, f"{low:.1f}–{high:.1f}"


def _control(score: Figures | None) -> str:
    return "" if score is None else f"{100 * score.high:.1f} %"
