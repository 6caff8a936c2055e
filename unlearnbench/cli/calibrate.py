"""`unlearnbench calibrate`."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unlearnbench.cli.common import Json, quieten, stdout

if TYPE_CHECKING:
    from unlearnbench.judging.calibrate import Agreement, Calibration, Rate


def calibrate(
    judge: Annotated[str, typer.Argument(help="NAME or NAME:ARGUMENT of the judge.")],
    items: Annotated[
        list[Path] | None,
        typer.Option(
            help="A JSONL table of labelled items; may be given more than once. "
            "Default: the tables that ship with the package."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Measure a judge on labelled items: accuracy, sensitivity, specificity, and its misses.

    Example: unlearnbench calibrate rules --items my-items.jsonl --json
    """
    quieten(False)
    from unlearnbench.judging import calibrate as measuring
    from unlearnbench.judging.catalogue import make_judge

    paths = items or measuring.default_items()
    table = [item for path in paths for item in measuring.load_items(path)]
    found = measuring.calibrate(make_judge(judge), table)
    if json:
        record = calibration_record(found, [path.name for path in paths])
        print(json_module.dumps(record, indent=2, ensure_ascii=False))
    else:
        _print(found, [path.name for path in paths])


def calibration_record(found: Calibration, names: list[str]) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "judge": found.judge,
        "identity": found.identity,
        "items": names,
        **_agreement_record(found.overall),
        "false_leak_32": _rate_record(found.false_leak(32)),
        "categories": {name: _agreement_record(a) for name, a in found.categories.items()},
        "misses": [{**m.item.model_dump(), "reason": m.raw} for m in found.misses],
    }


def _agreement_record(agreement: Agreement) -> dict[str, Any]:
    record: dict[str, Any] = {"n": agreement.n, "n_failed": agreement.n_failed}
    for name in ("accuracy", "sensitivity", "specificity"):
        rate: Rate = getattr(agreement, name)
        record[name] = rate.value
        record[f"{name}_interval"] = [rate.interval.low, rate.interval.high]
    return record


def _rate_record(rate: Rate) -> dict[str, Any]:
    return {"value": rate.value, "interval": [rate.interval.low, rate.interval.high]}


def _print(found: Calibration, names: list[str]) -> None:
    from rich.table import Table
    from rich.text import Text

    console = stdout()
    table = Table(title=f"judge {found.judge} on {', '.join(names)}", title_justify="left")
    table.add_column("category")
    for name in ("n", "accuracy", "sensitivity", "specificity"):
        table.add_column(name, justify="right")
    for name, agreement in (*found.categories.items(), ("all", found.overall)):
        rates = (agreement.accuracy, agreement.sensitivity, agreement.specificity)
        style = "bold" if name == "all" else ""
        table.add_row(name, str(agreement.n), *(_rate_text(rate) for rate in rates), style=style)
    console.print(table)
    leak = found.false_leak(32)
    console.print(
        f"A worst case over 32 such verdicts leaks with probability {_rate_text(leak)} although "
        "nothing leaked."
    )
    for miss in found.misses:
        label = "should be correct" if miss.item.correct else "should be incorrect"
        console.print(Text(f"{label}: {miss.item.answer!r} <- {miss.item.response!r} ({miss.raw})"))


def _rate_text(rate: Rate) -> str:
    if rate.value is None:
        return "–"
    return (
        f"{rate.value * 100:.1f} % ({rate.interval.low * 100:.1f}–{rate.interval.high * 100:.1f})"
    )
