"""`unlearnbench rwku`."""

from __future__ import annotations

import json as json_module
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlearnbench.cli.grow import grown
from unlearnbench.cli.measured import (
    Measured,
    ResultFile,
    figure_or_dash,
    print_lines,
    print_open,
)
from unlearnbench.cli.options import Json, Quiet
from unlearnbench.cli.output import quieten, stdout
from unlearnbench.types.options import EngineOptions

if TYPE_CHECKING:
    from unlearnbench.api.rwku import RwkuExport
    from unlearnbench.rwku.record import RwkuRecord

Tables = Annotated[str, typer.Option(help="hub, or a folder with RWKU's tables.")]
Subjects = Annotated[
    list[str] | None,
    typer.Option("--subject", help="Whom the model was to forget; repeated. Default: everybody."),
]
Exported = Annotated[
    Path | None,
    typer.Option(
        help="Instead of measuring, write the subjects' rows to this new folder, with facts.csv "
        "for make-benchmark."
    ),
]


@grown
def rwku(
    checkpoint: Measured = "",
    source: Tables = "hub",
    subject: Subjects = None,
    out: ResultFile = None,
    export: Exported = None,
    engine_options: EngineOptions = EngineOptions(),
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Measure RWKU's own metrics: ROUGE-L recall by level and attack, membership inference.

    Exits with 1 if a question got no answer, or a table has no row about a subject.

    Example: unlearnbench rwku CHECKPOINT --source hub --subject "Stephen King" --out result.json
    """
    quieten(quiet)
    from unlearnbench.api.rwku import export_subjects, score_rwku

    if export is not None:
        if checkpoint or out is not None:
            raise typer.BadParameter("--export takes neither CHECKPOINT nor --out")
        return _print_export(export_subjects(source, subject or [], folder=export), json)
    if not checkpoint:
        raise typer.BadParameter("name the CHECKPOINT")
    record = score_rwku(checkpoint, source, subject or [], out=out, engine_options=engine_options)
    if json:
        print(json_module.dumps(record.to_disk(), indent=2))
    else:
        _print_record(record)
    return 1 if record.open else 0


def _print_record(record: RwkuRecord) -> None:
    """The metrics, for people."""
    from unlearnbench.cli.output import table

    few = len(record.subjects) <= 2
    names = ", ".join(record.subjects) if few else f"{len(record.subjects)} subjects"
    view = table(f"RWKU · {names}", "metric", "value", "rows", "empty")
    for name, value in record.scores.items():
        rows = [str(part[name]) if name in part else "" for part in (record.counts, record.empty)]
        view.add_row(name, figure_or_dash(value), *rows)
    stdout().print(view)
    print_lines(["empty: responses without a word, which RWKU counts as recalling nothing"])
    print_open(record.open)


def _print_export(done: RwkuExport, as_json: bool) -> int:
    if as_json:
        record = {
            "folder": str(done.folder),
            "files": [path.name for path in done.files],
            "left_out": list(done.left_out),
        }
        print(json_module.dumps(record, indent=2))
        return 0
    stdout().print(f"{done.folder}: {', '.join(path.name for path in done.files)}", soft_wrap=True)
    if done.left_out:
        stdout().print(f"not asked in the worst-case protocol: {'; '.join(done.left_out)}")
    table, made = (shlex.quote(str(done.folder / name)) for name in ("facts.csv", "paraphrases"))
    stdout().print(
        f"next: unlearnbench make-benchmark {table} --paraphraser … --out {made}", soft_wrap=True
    )
    return 0
