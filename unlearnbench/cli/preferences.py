"""The win rate on the command line: its judge, what it costs, and what its figures rest on."""

from __future__ import annotations

import json as json_module
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from unlearnbench.cli.output import stdout, strong

if TYPE_CHECKING:
    from unlearnbench.runs.schema.utility import UtilityRecord
    from unlearnbench.types import Estimate

UtilityJudge = Annotated[
    str | None,
    typer.Option(
        help="The language model that compares answers with the base's, for the win rate: gemini, "
        "gemini-3, openai:MODEL, local:CHECKPOINT, or a folder with judge.toml and preference.md."
    ),
]


def check_judge_options(judge: str | None, max_cost: float | None, dry_run: bool) -> None:
    """Refuse options that only a judge reads."""
    if judge is None and (max_cost is not None or dry_run):
        raise typer.BadParameter("--max-cost and --dry-run belong to --utility-judge")


def print_judging_estimate(judge: str, estimate: Estimate, as_json: bool) -> None:
    """What a win rate would cost."""
    if as_json:
        print(json_module.dumps(asdict(estimate), indent=2))
        return
    has_price = estimate.dollars is not None
    price = f"at most {estimate.dollars:.4f} US dollars" if has_price else "price not known"
    stdout().print(
        f"judge {judge}: {estimate.verdicts} comparisons, {estimate.cached} calls known already, "
        f"{estimate.calls} calls to make, at most about {estimate.input_tokens} tokens in and "
        f"{estimate.output_tokens} out (estimated; without repeated calls), {price}"
    )


def print_win_rate(record: UtilityRecord) -> None:
    """Who judged, how far the judge can be trusted, and what is open."""
    from unlearnbench.judging.preferences.calibrations import calibrated_judges, measured_on

    console = stdout()
    preferences = record.preferences
    if preferences is None:
        known = calibrated_judges()
        which = f"name one: --utility-judge {', '.join(known)}" if known else "no judge of "
        tail = "" if known else "preferences has been calibrated"
        console.print(f"no win rate: {which}{tail}")
        return
    calibration = measured_on(preferences.identity)
    if calibration is None:
        console.print(
            strong(
                f"win rate by {preferences.judge}: uncalibrated",
                "; how often it is right is not known (unlearnbench calibrate JUDGE --preferences)",
            ),
            soft_wrap=True,
        )
    else:
        console.print(f"win rate by {preferences.judge}: {calibration.summary}", soft_wrap=True)
    faults = _faults(record)
    if faults:
        n = len(preferences.rows)
        first = next(iter(faults.values()))
        console.print(f"{len(faults)} of {n} comparisons are open: {first}", soft_wrap=True)


def open_comparisons(record: UtilityRecord) -> bool:
    """Whether an instruction has no verdict in one of the orders."""
    return bool(_faults(record))


def _faults(record: UtilityRecord) -> Mapping[str, str]:
    rows = record.preferences.rows if record.preferences else {}
    return {
        name: next(v.fault or "" for v in (row.model_first, row.base_first) if v.verdict is None)
        for name, row in rows.items()
        if row.model_first.verdict is None or row.base_first.verdict is None
    }
