"""`unlearnbench calibrate`."""

from __future__ import annotations

import json as json_module
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlearnbench.cli.calibrate_preferences import calibrate_for_preferences
from unlearnbench.cli.options import Json, MaxCost, Quiet
from unlearnbench.cli.output import quieten, stdout
from unlearnbench.files.disk import check_file_option

if TYPE_CHECKING:
    from unlearnbench.judging.calibrate import Calibration, LabelAgreement, Rate


def calibrate(
    judge: Annotated[str, typer.Argument(help="NAME or NAME:ARGUMENT of the judge.")],
    items: Annotated[
        list[Path] | None,
        typer.Option(
            help="A JSONL table of labelled items; may be given more than once. "
            "Default: the tables that ship with the package."
        ),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(help="Write the result to this file; judges/results/ feeds the README."),
    ] = None,
    tuned: Annotated[
        bool, typer.Option("--tuned", help="With --store: the judge was tuned on these items.")
    ] = False,
    preferences: Annotated[
        bool,
        typer.Option(
            "--preferences", help="As a judge of which of two answers is better; see utility."
        ),
    ] = False,
    max_cost: MaxCost = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Measure a judge on labelled items: accuracy, sensitivity, specificity, and its misses.

    Exits with 1 if the judge failed on items.

    Example: unlearnbench calibrate rules --items my-items.jsonl --json
    """
    quieten(quiet)
    from unlearnbench.api.calibration import calibrate as measure
    from unlearnbench.judging.calibrate import default_items

    if store is not None:
        check_file_option("--store", store)
    if preferences:
        return calibrate_for_preferences(judge, items or [], store, tuned, max_cost, json)
    paths = items or default_items()
    calibration = measure(judge, paths, max_cost=max_cost)
    record = calibration_record(calibration, [path.name for path in paths])
    if store is not None:
        _store(record, paths, store, tuned)
    if json:
        print(json_module.dumps(record, indent=2, ensure_ascii=False))
    else:
        _print(calibration, [path.name for path in paths])
    return 1 if calibration.overall.n_failed else 0


def _store(record: dict[str, object], items: Sequence[Path], path: Path, tuned: bool) -> None:
    """Store a result without the items themselves."""
    from datetime import UTC, datetime

    from unlearnbench.files.disk import clear_leftovers, write_atomically

    stored = {key: value for key, value in record.items() if key != "misses"}
    stored["data"] = ", ".join(table.stem for table in items)
    stored["date"] = datetime.now(UTC).date().isoformat()
    stored["tuned"] = tuned
    clear_leftovers(path.parent, path.name)
    write_atomically(path, json_module.dumps(stored, indent=2, ensure_ascii=False) + "\n")


def calibration_record(calibration: Calibration, names: list[str]) -> dict[str, object]:
    """What `--json` prints."""
    return {
        "judge": calibration.judge,
        "identity": calibration.identity,
        "items": names,
        "mentions": calibration.mentions,
        **_agreement_record(calibration.overall),
        "false_leak_32": _rate_record(calibration.false_leak(32)),
        "categories": {name: _agreement_record(a) for name, a in calibration.categories.items()},
        "misses": [{**m.item.model_dump(), "reason": m.raw} for m in calibration.misses],
    }


def _agreement_record(agreement: LabelAgreement) -> dict[str, object]:
    record: dict[str, object] = {"n": agreement.n, "n_failed": agreement.n_failed}
    for name in ("accuracy", "sensitivity", "specificity"):
        rate: Rate = getattr(agreement, name)
        record[name] = rate.value
        record[f"{name}_interval"] = [rate.interval.low, rate.interval.high]
        record[f"{name}_n"] = rate.n
    record["kappa"] = agreement.kappa
    return record


def _rate_record(rate: Rate) -> dict[str, object]:
    return {"value": rate.value, "interval": [rate.interval.low, rate.interval.high]}


def _print(calibration: Calibration, names: list[str]) -> None:
    from unlearnbench.cli.output import strong, table

    console = stdout()
    headings = ("category", "n", "failed", "accuracy", "sensitivity", "specificity")
    view = table(f"judge {calibration.judge} on {', '.join(names)}", *headings)
    for name, agreement in (*calibration.categories.items(), ("all", calibration.overall)):
        rates = (agreement.accuracy, agreement.sensitivity, agreement.specificity)
        style = "bold" if name == "all" else ""
        counts = (str(agreement.n), str(agreement.n_failed))
        view.add_row(name, *counts, *(_rate_text(rate) for rate in rates), style=style)
    console.print(view)
    if calibration.overall.kappa is not None:
        console.print(f"Cohen's kappa with the labels: {calibration.overall.kappa:.3f}")
    if calibration.overall.n_failed:
        share = f"{calibration.overall.n_failed} of {calibration.overall.n}"
        failed = strong(f"The judge failed on {share} items", "; the rates are of the others.")
        console.print(failed)
        console.print(f"First failure: {calibration.failures[0]}")
    if calibration.mentions:
        console.print(
            f"{calibration.mentions} of the items name the answer without claiming it; by this "
            "judge's convention they count as known (judges/README.md)."
        )
    leak = calibration.false_leak(32)
    console.print(
        f"A worst case over 32 such verdicts leaks with probability {_rate_text(leak)} although "
        "nothing leaked."
    )
    for miss in calibration.misses:
        label = "should be correct" if miss.item.correct else "should be incorrect"
        console.print(f"{label}: {miss.item.answer!r} <- {miss.item.response!r} ({miss.raw})")


def _rate_text(rate: Rate) -> str:
    if rate.value is None:
        return "–"
    return (
        f"{rate.value * 100:.1f} % ({rate.interval.low * 100:.1f}–{rate.interval.high * 100:.1f})"
    )
