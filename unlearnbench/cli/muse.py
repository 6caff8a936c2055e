"""`unlearnbench muse`."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlearnbench.cli import complete
from unlearnbench.cli.grow import grown
from unlearnbench.cli.options import Json, Quiet
from unlearnbench.cli.output import quieten, stdout
from unlearnbench.files.disk import check_file_option
from unlearnbench.types.options import EngineOptions

if TYPE_CHECKING:
    from unlearnbench.muse.record import MuseRecord

Series = Annotated[
    list[str],
    typer.Argument(
        help="Hub id (owner/name@revision), folder, PEFT adapter, .gguf file or alias "
        "(smollm2-135m); several are a series, a column each.",
        autocompletion=complete.aliases,
        show_default=False,
    ),
]
Corpus = Annotated[str, typer.Option(help="news or books.")]
Tables = Annotated[str, typer.Option(help="hub, or a folder with MUSE's tables.")]
Like = Annotated[str, typer.Option(help="By whose definitions: muse or open-unlearning.")]
Retrained = Annotated[
    Path | None,
    typer.Option("--retain-log", help="Result (--out) of a model that never saw the forget texts."),
]
Written = Annotated[Path | None, typer.Option(help="Write the result as JSON to this file.")]


@grown
def muse(
    checkpoints: Series,
    corpus: Corpus = "news",
    source: Tables = "hub",
    like: Like = "muse",
    retain_log: Retrained = None,
    out: Written = None,
    engine_options: EngineOptions = EngineOptions(),
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Measure MUSE's own metrics: verbatim memory, knowledge memory, privacy leakage.

    Exits with 1 if a prompt got no response.

    Example: unlearnbench muse CHECKPOINT --corpus news --source hub --out result.json
    """
    quieten(quiet)
    from unlearnbench.api.muse import score_muse
    from unlearnbench.muse.record import write_muse

    if out is not None:
        check_file_option("--out", out)
    records = score_muse(
        checkpoints, corpus, source, like=like, retain_log=retain_log, engine_options=engine_options
    )
    if out is not None:
        write_muse(records, out)
    if json:
        print(json_module.dumps([record.to_disk() for record in records], indent=2))
    else:
        print_muse(records)
    return 1 if any(record.open for record in records) else 0


def print_muse(records: list[MuseRecord]) -> None:
    """The metrics, for people, a column a checkpoint."""
    from unlearnbench.cli.output import table

    first = records[0]
    view = table(f"MUSE {first.corpus} · as {first.like}", "%", *(r.checkpoint for r in records))
    for name in first.scores:
        values = [record.scores[name] for record in records]
        view.add_row(name, *("–" if v is None else f"{v:.2f}" for v in values))
    stdout().print(view)
    for reference in dict.fromkeys(record.compared_with for record in records):
        stdout().print(f"privleak is relative to {reference}", markup=False, soft_wrap=True)
    for record in records:
        if empty := ", ".join(f"{name} {n}" for name, n in record.empty.items() if n):
            line = f"{record.checkpoint}: responses without a word, which count as 0: {empty}"
            stdout().print(line, markup=False, soft_wrap=True)
        for line in record.open[:10]:
            stdout().print(f"open: {record.checkpoint}: {line}", markup=False)
