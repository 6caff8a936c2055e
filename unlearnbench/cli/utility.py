"""`unlearnbench utility`."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlearnbench.cli.grow import grown
from unlearnbench.cli.options import CheckpointName, DryRun, Json, MaxCost, Quiet
from unlearnbench.cli.output import quieten
from unlearnbench.cli.preferences import (
    UtilityJudge,
    check_judge_options,
    open_comparisons,
    print_judging_estimate,
)
from unlearnbench.cli.utility_table import print_utility
from unlearnbench.errors import RunError
from unlearnbench.files.disk import check_file_option
from unlearnbench.types.options import EngineOptions, UtilityOptions

if TYPE_CHECKING:
    from unlearnbench.runs.schema.utility import UtilityRecord

Base = Annotated[
    str | None, typer.Option(help="The model before unlearning, measured beside it; gives drift.")
]
Limit = Annotated[int | None, typer.Option(help="Only the first N rows of each kind.", min=1)]
ResultFile = Annotated[
    Path | None,
    typer.Option(help="Write metrics, answers and log-probabilities as JSON to this file."),
]


@grown
def utility(
    checkpoint: CheckpointName,
    base: Base = None,
    limit: Limit = None,
    utility_judge: UtilityJudge = None,
    max_cost: MaxCost = None,
    dry_run: DryRun = False,
    out: ResultFile = None,
    utility_options: UtilityOptions = UtilityOptions(),
    engine_options: EngineOptions = EngineOptions(),
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Measure what a checkpoint can still do: choices, instructions, prose, drift from its base.

    A result of --out in place of CHECKPOINT is computed again, without a model; with
    --utility-judge its answers are judged. Exits with 1 if an instruction got no answer or verdict.

    Example: unlearnbench utility smollm2-135m --out utility.json
    """
    quieten(quiet)
    from unlearnbench.api.asked_utility import asked_sets
    from unlearnbench.api.preferences import check_preference_judge
    from unlearnbench.api.utility import measure_utility

    stored = checkpoint.endswith(".json")
    check_judge_options(utility_judge, max_cost, dry_run)
    if out is not None:
        check_file_option("--out", out)
    if stored and (base is not None or limit is not None):
        raise RunError("--base, --limit: a stored result holds its own; leave them out")
    if utility_judge is not None and not stored:
        check_preference_judge(utility_judge, base, keyless=dry_run)
    if utility_judge is not None and dry_run:
        known = _again(checkpoint, None) if stored else asked_sets(utility_options, limit)
        return print_judging_estimate(known, utility_judge, json)
    if stored:
        record = _again(checkpoint, out)
    else:
        record = measure_utility(
            checkpoint,
            base,
            limit=limit,
            out=out,
            utility_options=utility_options,
            engine_options=engine_options,
        )
    if utility_judge is not None:
        record = _judged(record, utility_judge, max_cost, out)
    if json:
        print(json_module.dumps(record.to_disk(), indent=2))
    else:
        print_utility(record)
    return 1 if record.open or open_comparisons(record) else 0


def _again(path: str, out: Path | None) -> UtilityRecord:
    """A stored result, computed again."""
    from unlearnbench.api.utility import recompute_utility
    from unlearnbench.runs.utility import write_utility

    record = recompute_utility(path)
    if out is not None:
        write_utility(record, out)
    return record


def _judged(
    record: UtilityRecord, judge: str, max_cost: float | None, out: Path | None
) -> UtilityRecord:
    """A result with its win rate; without it, it is written already."""
    from unlearnbench.api.preferences import judge_preferences
    from unlearnbench.runs.utility import write_utility

    record = judge_preferences(record, judge, max_cost=max_cost)
    if out is not None:
        write_utility(record, out)
    return record
