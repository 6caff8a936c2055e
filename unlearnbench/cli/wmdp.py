"""`unlearnbench wmdp`."""

from __future__ import annotations

import json as json_module
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlearnbench.cli.grow import grown
from unlearnbench.cli.measured import Measured, print_lines, print_open
from unlearnbench.cli.options import BaseModel, Json, Quiet
from unlearnbench.cli.output import quieten, stdout
from unlearnbench.display import counted, interval_text, percent
from unlearnbench.scoring.findings import range_text
from unlearnbench.types.options import EngineOptions

if TYPE_CHECKING:
    from unlearnbench.api.wmdp import WmdpExport
    from unlearnbench.wmdp.record import WmdpPartRecord, WmdpRecord

Tables = Annotated[str, typer.Option(help="hub, or a folder with WMDP's tables.")]
Parts = Annotated[
    list[str] | None,
    typer.Option("--part", help="bio, chem or cyber; repeated. Default: all three."),
]
Written = Annotated[Path | None, typer.Option(help="Write the result as JSON to this file.")]
Exported = Annotated[
    Path | None,
    typer.Option(
        help="Instead of measuring, write the questions to this new folder, with facts.csv (what "
        "is asked openly, for make-benchmark) and left_out.csv."
    ),
]


@grown
def wmdp(
    checkpoint: Measured = "",
    source: Tables = "hub",
    part: Parts = None,
    base: BaseModel = None,
    out: Written = None,
    export: Exported = None,
    engine_options: EngineOptions = EngineOptions(),
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Measure WMDP: accuracy by letters as lm-eval does, in four rotations, and written out.

    Exits with 1 if a question got no numbers.

    Example: unlearnbench wmdp CHECKPOINT --source hub --part bio --base BASE --out wmdp.json
    """
    quieten(quiet)
    from unlearnbench.api.wmdp import export_questions, score_wmdp

    if export is not None:
        if checkpoint or out is not None or base is not None:
            raise typer.BadParameter("--export takes neither CHECKPOINT nor --base nor --out")
        return _print_export(export_questions(source, part or [], folder=export), json)
    if not checkpoint:
        raise typer.BadParameter("name the CHECKPOINT")
    record = score_wmdp(
        checkpoint, source, part or [], base=base, out=out, engine_options=engine_options
    )
    if json:
        print(json_module.dumps(record.to_disk(), indent=1))
    else:
        _print_record(record)
    return 1 if record.open else 0


def _print_record(record: WmdpRecord) -> None:
    """The scores of each part, for people."""
    for name, part in record.parts.items():
        _print_part(f"WMDP {name} · {counted(part.n, 'question')}", part)
    print_open(record.open)


def _print_part(title: str, part: WmdpPartRecord) -> None:
    from unlearnbench.cli.output import table

    compared = part.base_scores is not None
    view = table(title, "right", "value", "95 %", "guessing", *(["base"] if compared else []))
    for name, score in part.scores.items():
        ends = part.guessing[name]
        guessing = percent(ends[0]) if ends[0] == ends[1] else interval_text(ends)
        interval = interval_text((score.interval.low, score.interval.high))
        base = [range_text(part.base_scores[name])] if part.base_scores else []
        view.add_row(name, range_text(score), interval, guessing, *base)
    stdout().print(view)
    stdout().print(f"who takes the longest choice and reads no question: {percent(part.longest)}")
    if part.kept is not None:
        stdout().print(
            f"of {counted(part.kept.n, 'question')} known to the base, still known: "
            f"{range_text(part.kept)}",
            soft_wrap=True,
        )
    if part.one_letter is not None:
        letter, taken = part.one_letter
        stdout().print(f"most taken letter: {letter}, {percent(taken)} of the askings")
    print_lines(f"note: {line}" for line in part.findings)


def _print_export(done: WmdpExport, as_json: bool) -> int:
    from unlearnbench.benchmark.wmdp_facts import counted_reasons

    if as_json:
        left_out = [f"{one.place} {one.reason}" for one in done.left_out]
        files = [path.name for path in done.files]
        record = {"folder": str(done.folder), "files": files, "left_out": left_out}
        print(json_module.dumps({**record, "asked": done.asked}, indent=2))
        return 0
    stdout().print(f"{done.folder}: {', '.join(path.name for path in done.files)}", soft_wrap=True)
    stdout().print(f"asked openly: {counted(done.asked, 'question')} to forget")
    for name in dict.fromkeys(one.table for one in done.left_out):
        own = [one for one in done.left_out if one.table == name]
        stdout().print(f"not asked openly of {name}: {counted_reasons(own)}", soft_wrap=True)
    table, made = (shlex.quote(str(done.folder / name)) for name in ("facts.csv", "paraphrases"))
    stdout().print(
        f"next: unlearnbench make-benchmark {table} --paraphraser … --out {made}", soft_wrap=True
    )
    return 0
