"""`unlearnbench compare`."""

from __future__ import annotations

import json as json_module
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlearnbench.cli.compared_utility import print_compared_utility
from unlearnbench.cli.options import BaseRun, Json, Quiet
from unlearnbench.cli.output import quieten, stdout
from unlearnbench.scoring.scores import STRICT, headline_of

if TYPE_CHECKING:
    from unlearnbench.cli.formats import Sheet
    from unlearnbench.runs.compare import ComparedRun, Comparison
    from unlearnbench.runs.pair import PairComparison

SHOWN = 20
"""Most flips that are printed; --json has all of them."""
_SHORT = {
    "forget.worst_case": "worst case",
    "forget.strict": "strict",
    "forget.among_known": "of known",
    "retain.mean": "retain",
}
"""Headings of the scores that a narrow terminal shows."""
ROOM = 130
"""Columns of a terminal with room for every score; narrower ones show headline and retain."""


class Format(StrEnum):
    """The output format of a comparison."""

    TABLE = "table"
    MARKDOWN = "markdown"
    LATEX = "latex"
    CSV = "csv"
    JSON = "json"


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Folders of two runs or more.")],
    format: Annotated[
        Format, typer.Option(help="Format of the table, one row per run.")
    ] = Format.TABLE,
    base: BaseRun = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Compare runs of one benchmark, one row per run; two runs also fact by fact.

    Example: unlearnbench compare runs/wkf-a-1a2b3c4d runs/wkf-b-5e6f7a8b --format latex
    """
    quieten(quiet)
    from unlearnbench.api.comparing import compare as comparing
    from unlearnbench.cli.formats import comma_separated, latex, markdown

    if len(runs) < 2:
        raise typer.BadParameter("compare takes two run folders or more")
    if json and format not in (Format.TABLE, Format.JSON):
        raise typer.BadParameter(f"--json and --format {format.value}: one at a time")
    compared = comparing(runs, base)
    if json or format is Format.JSON:
        print(json_module.dumps(_record(compared), indent=2, ensure_ascii=False))
    elif format is Format.CSV:
        print(comma_separated([run.record() for run in compared.runs]))
    elif format is Format.TABLE:
        _print(compared)
    else:
        print((markdown if format is Format.MARKDOWN else latex)(_sheet(compared, wide=True)))
    return 0


def _record(compared: Comparison) -> dict[str, object]:
    record: dict[str, object] = {
        "benchmark": compared.benchmark,
        "runs": [_run_record(run) for run in compared.runs],
        "utility": [asdict(kept) for kept in compared.utility],
        "verdicts": compared.verdicts,
    }
    if compared.pair is not None:
        record |= asdict(compared.pair)
        record["flips"] = [{**asdict(f), "key": str(f.key)} for f in compared.pair.flips]
    return record


def _run_record(run: ComparedRun) -> dict[str, object]:
    from unlearnbench.scoring.scores import score_record

    return {
        "run": str(run.path),
        "checkpoint": run.checkpoint,
        "judge": run.judge,
        "judge_identity": run.judge_identity,
        "profile": run.profile,
        "scores": {name: score_record(score) for name, score in run.scores.items()},
        "base": run.base,
        "utility": {n: metric.model_dump(mode="json") for n, metric in run.utility.items()},
        "n_open": run.n_open,
        "findings": [asdict(finding) for finding in run.findings],
    }


def _sheet(compared: Comparison, wide: bool, intervals: bool = True) -> Sheet:
    from unlearnbench.cli.formats import Sheet
    from unlearnbench.cli.runs import bounds_text, score_text

    names = tuple(
        name
        for name in compared.runs[0].names
        if name != STRICT or any(name in run.scores for run in compared.runs)
    )
    if not wide:
        names = tuple(name for name in names if name in _SHORT)
    notes = dict.fromkeys(f"{f.severity}: {f.text}" for run in compared.runs for f in run.findings)
    numbers = {note: number for number, note in enumerate(notes, 1)}
    rows, marks = [], []
    for run in compared.runs:
        cells = []
        for score in (run.scores.get(name) for name in names):
            pair = [score_text(score), bounds_text(score.interval)] if score else ["–", "–"]
            cells += pair if intervals else pair[:1]
        rows.append([run.checkpoint, run.judge, run.profile, *cells, str(run.n_open)])
        marks.append([numbers[f"{f.severity}: {f.text}"] for f in run.findings])
    labels = names if wide else [_SHORT[name] for name in names]
    scores = [h for name in labels for h in ([name, "95 %"] if intervals else [name])]
    headings = ["checkpoint", "judge", "profile", *scores, "open"]
    return Sheet(compared.benchmark, headings, rows, marks, list(notes), left=3)


def _print(compared: Comparison) -> None:
    from unlearnbench.cli.output import WIDE, table

    console = stdout()
    sheet = _sheet(compared, console.width >= ROOM, console.width >= WIDE)
    view = table(sheet.title, *(h.replace(".", ". ") for h in sheet.headings), left=sheet.left)
    if console.width < ROOM:
        view.box, view.padding = None, (0, 1, 0, 0)
    for (name, *cells), marks in zip(sheet.rows, sheet.marks, strict=True):
        view.add_row(f"{name} [{', '.join(map(str, marks))}]" if marks else name, *cells)
    console.print(view)
    for number, note in enumerate(sheet.notes, 1):
        console.print(f"[{number}] {note}", soft_wrap=not console.is_terminal)
    if compared.pair is not None:
        for name, run in zip(("first", "second"), compared.runs, strict=True):
            console.print(f"{name}: {run.checkpoint} judged by {run.judge} ({run.path})")
        _print_pair(compared.pair)
    print_compared_utility(compared)


def _print_pair(pair: PairComparison) -> None:
    from unlearnbench.cli.output import strong, table

    console = stdout()
    headings = ("score", "both", "first only", "second only", "neither", "p (McNemar)")
    view = table("Facts that leak", *headings)
    for score, d in pair.differences.items():
        counts = (d.both, len(d.first_only), len(d.second_only), d.neither)
        view.add_row(score, *map(str, counts), f"{d.p:.3f}")
    console.print(view)
    if pair.n_open:
        console.print(strong(f"{pair.n_open} facts are open in one of the runs", " and left out."))
    headline = headline_of(pair.differences)
    if headline in pair.differences:
        worst = pair.differences[headline]
        for name, facts in (("first", worst.first_only), ("second", worst.second_only)):
            if facts:
                console.print(f"leak in the {name} only: {', '.join(facts)}")
    kappa = "not defined" if pair.kappa is None else f"{pair.kappa:.3f}"
    kind = "same answers" if pair.same_answers else "different answers; equal ones only"
    differ = f"{len(pair.flips)} of {pair.n_shared} verdicts differ"
    console.print(f"judges ({kind}): {differ}, Cohen's kappa {kappa}")
    for flip in pair.flips[:SHOWN]:
        console.print(
            f"{flip.key}: {flip.answer!r} <- {flip.response!r}: {flip.first}, then {flip.second}"
        )
    if len(pair.flips) > SHOWN:
        console.print(f"… and {len(pair.flips) - SHOWN} more (--json holds all)")
