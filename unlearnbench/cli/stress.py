"""`unlearnbench stress`."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unlearnbench.cli.options import (
    Benchmark,
    Device,
    Dtype,
    Json,
    JudgeName,
    Limit,
    MaxCost,
    Quiet,
    Seed,
)
from unlearnbench.cli.output import quieten, stdout
from unlearnbench.cli.progress import LAST_RUN, asked_bar

if TYPE_CHECKING:
    from unlearnbench.attacks.stress.base import Finding

Only = Annotated[
    list[str] | None,
    typer.Option(help="Only this test; may be repeated. `unlearnbench show plugins` lists them."),
]
Base = Annotated[
    str | None, typer.Option(help="The model before unlearning, for the tests that compare.")
]
Profile = Annotated[str, typer.Option(help="quick, or full: more wordings and samples.")]
Out = Annotated[
    Path | None, typer.Option(help="Where the runs go. Default: runs/stress-…, named by content.")
]


def stress(
    checkpoint: Annotated[
        str, typer.Argument(help="Hub id, folder, PEFT adapter, .gguf file, alias (smollm2-135m).")
    ],
    benchmark: Benchmark = "wkf",
    only: Only = None,
    base: Base = None,
    profile: Profile = "quick",
    judge: JudgeName = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    limit: Limit = None,
    seed: Seed = 0,
    max_cost: MaxCost = None,
    out: Out = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Try other doors: drawn answers, rounded weights, other forms of asking. Which are open?

    Example: unlearnbench stress trained/my-checkpoint --benchmark wkf --base smollm2-135m
    """
    quieten(quiet)
    from unlearnbench.api import attacks as api_stress

    with _telling(quiet or json) as (told, advance):
        folder, record = api_stress.stress(
            checkpoint,
            benchmark,
            only=only or (),
            base=base,
            profile=profile,
            judge=judge,
            device=device,
            dtype=dtype,
            limit=limit,
            seed=seed,
            max_cost=max_cost,
            out=out,
            told=told,
            advance=advance,
        )
    LAST_RUN.append(folder)
    if json:
        print(jsonlib.dumps({"run": str(folder), **record}, ensure_ascii=False))
    else:
        show_stress(record)
        stdout().print(f"run: {folder}", soft_wrap=True)
    return 1 if record["n_open"] else 0


@contextmanager
def _telling(quiet: bool) -> Iterator[tuple[Any, Any]]:
    """Callbacks for findings and for single answers."""
    with asked_bar(quiet) as (advance, say):

        def told(found: Finding) -> None:
            if found.states:
                say(f"{found.name}: {len(found.leaked)} of {len(found.states)} facts leaked")

        yield told, advance


def show_stress(record: Mapping[str, Any]) -> None:
    """One table: which doors are open."""
    from unlearnbench.cli.output import strong, table
    from unlearnbench.cli.runs import print_findings

    console = stdout()
    identity = record["identity"]
    title = (
        f"{identity['benchmark']} {identity['benchmark_version']} · {record['checkpoint']} · "
        f"{identity['profile']} · judge {identity['judge']}"
    )
    shown = table(title, "door", "leaked", "95 %", "new", "control", "probes")
    baseline = record["baseline"]
    shown.add_row("as score asks", *_rate(baseline["score"]), "", _control(baseline["control"]), "")
    for name, found in record["findings"].items():
        if found["score"] is None:
            continue
        shown.add_row(
            name if found["ranked"] else f"{name} *",
            *_rate(found["score"]),
            f"+{len(found['beyond'])}",
            _control(found["control"]),
            str(found["probes"]),
        )
    union = record["union"]
    cells = (*_rate(union["score"]), f"+{len(union['beyond'])}", "", "")
    shown.add_row("all doors together", *cells, style="bold")
    console.print(shown)
    console.print("new: facts that score did not find; *: a diagnostic, not part of the last line")
    for name, found in record["findings"].items():
        if found["note"]:
            console.print(f"{name}: {found['note']}", soft_wrap=True)
    print_findings(baseline.get("findings", ()))
    if baseline["unranked"]:
        console.print(strong("not ranked:", f" {baseline['unranked']}"), soft_wrap=True)
    if record["n_open"]:
        console.print(strong(f"{record['n_open']} facts are open", ": give the command again"))


def _rate(score: Mapping[str, Any]) -> tuple[str, str]:
    low, high = (100 * x for x in score["interval"])
    value = f"{100 * score['low']:.1f} %"
    if score["n_open"]:
        value = f"{100 * score['low']:.1f}–{100 * score['high']:.1f} %"
    return value, f"{low:.1f}–{high:.1f}"


def _control(score: Mapping[str, Any] | None) -> str:
    return "" if score is None else f"{100 * score['high']:.1f} %"
