"""`unlearnbench judge`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unlearnbench.cli.common import Json, Out, Quiet, Resume, progress, quieten


def judge(
    run: Annotated[Path, typer.Argument(help="The run folder whose answers are judged again.")],
    judge: Annotated[str, typer.Option(help="NAME or NAME:ARGUMENT of the judge.")],
    out: Out = None,
    resume: Resume = True,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Judge a stored run again, without a model, into a run folder of its own.

    Example: unlearnbench judge runs/wkf-smollm2-135m-1a2b3c4d --judge rules
    """
    quieten(quiet)
    from unlearnbench import api
    from unlearnbench.cli.tables import print_run

    with progress(quiet) as observe:
        result = api.rejudge(run, judge, out=out, resume=resume, observe=observe)
    return print_run(result, json)
