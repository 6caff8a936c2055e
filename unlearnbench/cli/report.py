"""`unlearnbench report`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from unlearnbench.cli.options import BaseRun, Quiet
from unlearnbench.cli.output import quieten, stdout

OPEN = 1


class Redacted(StrEnum):
    """What a report leaves out."""

    ANSWERS = "answers"
    ALL = "all"


def report(
    runs: Annotated[
        list[Path],
        typer.Argument(help="Folders of score, stress and relearn, or submissions; in any order."),
    ],
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("report.html"),
    base: BaseRun = None,
    redact: Annotated[
        Redacted | None,
        typer.Option(
            help="Blank gold answers, responses and questions that hold an answer (answers), or "
            "all questions too (all)."
        ),
    ] = None,
    quiet: Quiet = False,
) -> int:
    """Write one HTML page: a diagnosis in words, the figures, and every answer that leaked.

    Example: unlearnbench report runs/my-score runs/my-stress runs/my-relearn --out report.html
    """
    quieten(quiet)
    from unlearnbench.api.reports import report as write_report

    page = write_report(runs, out, base=base, redact=redact.value if redact else None)
    checkpoints = "1 checkpoint" if page.n_checkpoints == 1 else f"{page.n_checkpoints} checkpoints"
    console = stdout()
    console.print(f"{checkpoints}, {page.n_leaks} leaked answers: {out}", soft_wrap=True)
    if page.n_open:
        console.print(f"{page.n_open} probes or facts are open: the page says which")
    return OPEN if page.n_open else 0
