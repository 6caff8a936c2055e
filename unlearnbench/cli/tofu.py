"""`unlearnbench tofu`."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlearnbench.cli.grow import grown
from unlearnbench.cli.measured import ResultFile, figure_or_dash, print_lines, print_open
from unlearnbench.cli.options import CheckpointName, Json, Quiet
from unlearnbench.cli.output import quieten, stdout
from unlearnbench.types.options import EngineOptions, TofuOptions

if TYPE_CHECKING:
    from unlearnbench.tofu.record import TofuRecord

Source = Annotated[str, typer.Option(help="tofu-mini, hub, or a folder with TOFU's tables.")]
Forget = Annotated[str | None, typer.Option(help="The forget split: forget25, forget10, …")]
RetainLog = Annotated[
    Path | None,
    typer.Option(
        help="Result of a model that never saw the forget set: of --out, or OpenUnlearning's "
        "TOFU_EVAL.json."
    ),
]
EvalLog = Annotated[
    Path | None,
    typer.Option(help="Write the result to this file in the shape of OpenUnlearning's EVAL.json."),
]


@grown
def tofu(
    checkpoint: CheckpointName,
    source: Source = "tofu-mini",
    forget: Forget = None,
    retain_log: RetainLog = None,
    eval_log: EvalLog = None,
    out: ResultFile = None,
    tofu_options: TofuOptions = TofuOptions(),
    engine_options: EngineOptions = EngineOptions(),
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Measure TOFU's own metrics: probability, ROUGE, truth ratio, utility, forget quality …

    Exits with 1 if a question got no answer.

    Example: unlearnbench tofu smollm2-135m --source tofu-mini --out result.json
    """
    quieten(quiet)
    from unlearnbench.api.tofu import score_tofu

    record = score_tofu(
        checkpoint,
        source,
        forget,
        retain_log=retain_log,
        eval_log=eval_log,
        out=out,
        tofu_options=tofu_options,
        engine_options=engine_options,
    )
    if json:
        print(json_module.dumps(record.to_disk(), indent=2))
    else:
        print_tofu(record)
    return 1 if record.open else 0


def print_tofu(record: TofuRecord) -> None:
    """The metrics, for people."""
    from unlearnbench.cli.output import table

    view = table(f"{record.source} · {record.forget}", "metric", "value")
    for name, value in record.scores.items():
        view.add_row(name, figure_or_dash(value))
    stdout().print(view)
    if record.scores["forget_quality"] is None:
        print_lines(["forget_quality and privleak need --retain-log, the result of a retain model"])
    print_lines(record.notes)
    print_open(record.open)
