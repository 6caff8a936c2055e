"""`unlearnbench compare`."""

from __future__ import annotations

import json as json_module
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unlearnbench.cli.options import Json, Quiet
from unlearnbench.cli.output import quieten, stdout

if TYPE_CHECKING:
    from unlearnbench.runs.compare import Comparison
    from unlearnbench.runs.run import Run

SHOWN = 20
"""So many flips are printed; --json holds them all."""


def compare(
    first: Annotated[Path, typer.Argument(help="A run folder.")],
    second: Annotated[Path, typer.Argument(help="Another run of the same questions.")],
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Compare two runs fact by fact: two judges on the same answers, or two checkpoints.

    Example: unlearnbench compare runs/wkf-a-1a2b3c4d runs/wkf-a-5e6f7a8b
    """
    quieten(quiet)
    from unlearnbench.runs.compare import compare as comparing
    from unlearnbench.runs.stored import load_judged

    runs = (load_judged(first), load_judged(second))
    found = comparing(*runs)
    if json:
        record = {"runs": [_label(run) for run in runs], **asdict(found)}
        record["flips"] = [{**asdict(flip), "key": str(flip.key)} for flip in found.flips]
        print(json_module.dumps(record, indent=2, ensure_ascii=False))
    else:
        _print(runs, found)
    return 0


def _label(run: Run) -> dict[str, Any]:
    return {
        "run": str(run.path),
        "checkpoint": run.record.generator.checkpoint,
        "judge": run.record.judge.name,
        "judge_identity": run.record.judge.identity,
        "findings": [asdict(finding) for finding in run.findings],
    }


def _print(runs: tuple[Run, Run], found: Comparison) -> None:
    from unlearnbench.cli.output import strong, table
    from unlearnbench.cli.runs import print_findings

    console = stdout()
    for name, run in zip(("first", "second"), runs, strict=True):
        label = _label(run)
        console.print(f"{name}: {label['checkpoint']} judged by {label['judge']} ({run.path})")
        warnings = [f for f in label["findings"] if f["severity"] == "warning"]
        print_findings({**f, "text": f"{name}: {f['text']}"} for f in warnings)
    headings = ("score", "both", "first only", "second only", "neither", "p (McNemar)")
    shown = table("Facts that leak", *headings)
    for score, d in found.differences.items():
        counts = (d.both, len(d.first_only), len(d.second_only), d.neither)
        shown.add_row(score, *map(str, counts), f"{d.p:.3f}")
    console.print(shown)
    if found.n_open:
        console.print(strong(f"{found.n_open} facts are open in one of the runs", " and left out."))
    if "forget.worst_case" in found.differences:
        worst = found.differences["forget.worst_case"]
        for name, facts in (("first", worst.first_only), ("second", worst.second_only)):
            if facts:
                console.print(f"leak in the {name} only: {', '.join(facts)}")
    kappa = "not defined" if found.kappa is None else f"{found.kappa:.3f}"
    kind = "same answers" if found.same_answers else "different answers; equal ones only"
    differ = f"{len(found.flips)} of {found.n_shared} verdicts differ"
    console.print(f"judges ({kind}): {differ}, Cohen's kappa {kappa}")
    for flip in found.flips[:SHOWN]:
        console.print(
            f"{flip.key}: {flip.answer!r} <- {flip.response!r}: {flip.first}, then {flip.second}"
        )
    if len(found.flips) > SHOWN:
        console.print(f"… and {len(found.flips) - SHOWN} more (--json holds all)")
