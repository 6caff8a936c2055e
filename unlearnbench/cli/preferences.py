"""The win rate on the command line: its judge, what it costs, and what its figures rest on."""

from __future__ import annotations

import json as json_module
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from unlearnbench.cli.output import stdout, strong

if TYPE_CHECKING:
    from unlearnbench.benchmark.utility_sets import UtilitySets
    from unlearnbench.runs.schema.utility import UtilityRecord

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


def print_judging_estimate(known: UtilityRecord | UtilitySets, judge: str, as_json: bool) -> int:
    """What the win rate of a result would cost, or of what is going to be asked."""
    from unlearnbench.api.preferences import estimate_preferences

    estimate = estimate_preferences(known, judge)
    if as_json:
        print(json_module.dumps(asdict(estimate), indent=2))
        return 0
    has_price = estimate.dollars is not None
    price = f"at most about {estimate.dollars:.4f} US dollars" if has_price else "price not known"
    stdout().print(
        f"judge {judge}: {estimate.verdicts} comparisons, {estimate.cached} known already, "
        f"{estimate.calls} calls, at most about {estimate.input_tokens} tokens in and "
        f"{estimate.output_tokens} out (estimated; calls made again are not in it), {price}"
    )
    return 0


def print_win_rate(record: UtilityRecord) -> None:
    """Who judged, how far the judge can be trusted, and what is open."""
    from unlearnbench.runs.preference_calibrations import calibrated_judges, measured_on

    preferences = record.preferences
    if preferences is None:
        known = ", ".join(calibrated_judges())
        why = f"--utility-judge {known}" if known else "no judge of preferences has been calibrated"
        stdout().print(f"no win rate: {why}")
        return
    calibration = measured_on(preferences.identity)
    trust = calibration.summary if calibration else "uncalibrated: how often it is right is unknown"
    stdout().print(strong(f"win rate by {preferences.judge}: ", trust), soft_wrap=True)
    for line in _notes(record):
        stdout().print(line, soft_wrap=True)


def open_comparisons(record: UtilityRecord) -> Mapping[str, str]:
    """Instructions without a verdict in one of the orders, and why."""
    rows = record.preferences.rows if record.preferences else {}
    sides = {name: (row.model_first, row.base_first) for name, row in rows.items()}
    return {
        name: next(side.fault or "no verdict" for side in both if side.verdict is None)
        for name, both in sides.items()
        if any(side.verdict is None for side in both)
    }


def _notes(record: UtilityRecord) -> Iterator[str]:
    rows = record.preferences.rows if record.preferences else {}
    faults = open_comparisons(record)
    both = [(r.model_first.verdict, r.base_first.verdict) for r in rows.values()]
    leaning = sum(one == two and one in ("first", "second") for one, two in both)
    decided = len(rows) - len(faults)
    if leaning and leaning * 2 >= decided:
        yield (
            f"the judge went by the position on {leaning} of {decided} instructions, which gives "
            "each model half of them: this win rate says nothing about the answers"
        )
    if faults:
        yield f"{len(faults)} of {len(rows)} comparisons are open: {next(iter(faults.values()))}"
