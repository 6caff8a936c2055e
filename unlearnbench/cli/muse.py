"""`unlearnbench muse`."""

from __future__ import annotations

import json as json_module
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlearnbench.cli import complete
from unlearnbench.cli.grow import grown
from unlearnbench.cli.measured import ResultFile, figure_or_dash, print_lines, print_open
from unlearnbench.cli.options import Json, Quiet
from unlearnbench.cli.output import quieten, stdout
from unlearnbench.display import visible_text
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

Resume = Annotated[
    bool,
    typer.Option(
        "--resume/--no-resume", help="Do not measure again what --out holds, or measure all."
    ),
]


@grown
def muse(
    checkpoints: Series,
    corpus: Corpus = "news",
    source: Tables = "hub",
    like: Like = "muse",
    retain_log: Retrained = None,
    out: ResultFile = None,
    resume: Resume = True,
    engine_options: EngineOptions = EngineOptions(),
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Measure MUSE's own metrics: verbatim memory, knowledge memory, privacy leakage.

    Exits with 1 if a prompt got no response, or a checkpoint of a series could not be measured: the
    others are, and the same command goes on from there.

    Example: unlearnbench muse CHECKPOINT --corpus news --source hub --out result.json
    """
    quieten(quiet)
    from unlearnbench.api.muse import score_muse

    series = score_muse(
        checkpoints,
        corpus,
        source,
        like=like,
        retain_log=retain_log,
        out=out,
        resume=resume,
        engine_options=engine_options,
    )
    if json:
        print(json_module.dumps([record.to_disk() for record in series.records], indent=2))
    else:
        print_muse(series.records)
    for name, why in series.failed.items():
        line = visible_text(f"unlearnbench: not measured: {name}: {' '.join(why.split())}")
        print(line, file=sys.stderr)
    return 1 if series.failed or any(record.open for record in series.records) else 0


def print_muse(records: Sequence[MuseRecord]) -> None:
    """The metrics, for people, a column a checkpoint."""
    from unlearnbench.cli.output import table

    first = records[0]
    view = table(f"MUSE {first.corpus} · as {first.like}", "%", *(r.checkpoint for r in records))
    for name in first.scores:
        values = [record.scores[name] for record in records]
        view.add_row(name, *(figure_or_dash(value, 2) for value in values))
    stdout().print(view)
    references = dict.fromkeys(record.compared_with for record in records)
    print_lines(f"privleak is relative to {reference}" for reference in references)
    for record in records:
        if empty := ", ".join(f"{name} {n}" for name, n in record.empty.items() if n):
            which = "responses without a word, which count as 0"
            print_lines([f"{record.checkpoint}: {which}: {empty}"])
        print_open(record.open, record.checkpoint)
