"""`unlearnbench judge`."""

from __future__ import annotations

import json as json_module
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlearnbench.cli.grow import grown
from unlearnbench.cli.options import DryRun, Json, MaxCost, Quiet
from unlearnbench.cli.output import quieten, stdout
from unlearnbench.cli.progress import progress
from unlearnbench.types.execution import ExecutorOptions
from unlearnbench.types.options import RunOptions

if TYPE_CHECKING:
    from unlearnbench.types import Estimate


@grown
def judge(
    run: Annotated[Path, typer.Argument(help="The run folder whose answers are judged again.")],
    judge: Annotated[str, typer.Option(help="NAME or NAME:ARGUMENT of the judge.")],
    dry_run: DryRun = False,
    max_cost: MaxCost = None,
    batch: Annotated[
        bool, typer.Option("--batch", help="Send the calls as one job: slower, cheaper.")
    ] = False,
    run_options: RunOptions = RunOptions(),
    executor_options: ExecutorOptions = ExecutorOptions(),
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Judge a stored run again, without its model, and store the result as a new run.

    Example: unlearnbench judge runs/wkf-smollm2-135m-1a2b3c4d --judge gemini --dry-run
    """
    quieten(quiet)
    from unlearnbench.api import rejudging
    from unlearnbench.cli.runs import print_run

    if dry_run:
        _print_estimate(judge, rejudging.estimate(run, judge), json)
        return 0
    with progress(quiet) as on_progress:
        result = rejudging.rejudge(
            run,
            judge,
            max_cost=max_cost,
            batch=batch,
            run_options=run_options,
            executor_options=executor_options,
            on_progress=on_progress,
        )
    return print_run(result, json)


def _print_estimate(judge: str, estimate: Estimate, as_json: bool) -> None:
    if as_json:
        print(json_module.dumps(asdict(estimate), indent=2))
        return
    has_price = estimate.dollars is not None
    price = f"about {estimate.dollars:.4f} US dollars" if has_price else "price not known"
    stdout().print(
        f"judge {judge}: {estimate.verdicts} verdicts, {estimate.cached} different answers known "
        f"already, {estimate.calls} calls, about {estimate.input_tokens} tokens in and "
        f"{estimate.output_tokens} out (estimated), {price}"
    )
