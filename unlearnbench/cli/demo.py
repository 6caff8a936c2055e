"""`unlearnbench demo`."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlearnbench.cli.options import Json, Quiet
from unlearnbench.cli.output import quieten, stdout
from unlearnbench.cli.progress import progress
from unlearnbench.files.disk import check_folder_option
from unlearnbench.types import Setting
from unlearnbench.types.options import RunOptions, TrainOptions, UtilityOptions

if TYPE_CHECKING:
    from unlearnbench.runs.run import Run

_MODEL, _BENCHMARK, _METHOD = "smollm2-135m", "wkf", "jensun"
_SHORT: Mapping[str, Setting | str] = {
    "max_steps": 80,
    "lr": 6e-5,
    "warmup_kl_steps": 15,
    "batch_size": 4,
    "lambda_f": 0.2,
}
"""A fifth of the preset's steps with half of its forget rows, at a higher rate: a demo should take
minutes."""
_ROWS = 24
"""Rows of each kind of utility, for the same reason."""

Folder = Annotated[Path, typer.Option(help="Where the runs and the trained checkpoint go.")]
Profile = Annotated[str, typer.Option(help="quick, or standard for all 32 probes per fact.")]


def demo(
    out: Folder = Path("demo"),
    profile: Profile = "quick",
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Score SmolLM2-135M on well-known facts, make it forget them with JensUn, score it again.

    Example: unlearnbench demo
    """
    quieten(quiet)
    check_folder_option("--out", out)
    before = _score(_MODEL, out / f"before-{profile}", profile, quiet)
    trained = _train(out / "trained", quiet)
    after = _score(str(trained), out / f"after-{profile}", profile, quiet, before.path)
    if json:
        from unlearnbench.cli.runs import run_record

        print(jsonlib.dumps({"before": run_record(before), "after": run_record(after)}))
    else:
        print_demo(before, after)
    return 1 if before.n_open or after.n_open else 0


def _score(checkpoint: str, out: Path, profile: str, quiet: bool, base: Path | None = None) -> Run:
    from unlearnbench.api import scoring

    with progress(quiet) as on_progress:
        return scoring.score(
            checkpoint,
            _BENCHMARK,
            profile=profile,
            base=base,
            run_options=RunOptions(out),
            utility_options=UtilityOptions(("bundled",), _ROWS),
            on_progress=on_progress,
        )


def _train(out: Path, quiet: bool) -> Path:
    from unlearnbench.api.training import train

    with progress(quiet) as on_progress:
        return train(
            _MODEL,
            _BENCHMARK,
            method=_METHOD,
            train_options=TrainOptions(preset=_MODEL, settings=_SHORT),
            run_options=RunOptions(out),
            on_progress=on_progress,
        ).folder


def print_demo(before: Run, after: Run) -> None:
    """The scores of both runs side by side, and what a reader of them must know."""
    from unlearnbench.cli.output import table
    from unlearnbench.cli.runs import bounds_text, score_text

    title = f"{_BENCHMARK} · {_MODEL} · {before.record.score_identity.profile} · {_METHOD}"
    view = table(title, "score", "before", "95 % interval", "after", "95 % interval")
    for name, score in before.scores.items():
        after_score = after.scores[name]
        cells = [
            f(s)
            for s in (score, after_score)
            for f in (score_text, lambda x: bounds_text(x.interval))
        ]
        view.add_row(name, *cells, style="bold" if name == "forget.worst_case" else "")
    view.add_row("utility", "the base", "–", _kept(after), "–")
    console = stdout()
    console.print(view)
    console.print(
        f"utility: what is left of the base, by the first {_ROWS} questions, instructions and "
        "paragraphs; 100 %: all",
        soft_wrap=True,
    )
    _say(before, after)
    for run in (before, after):
        console.print(f"run: {run.path}", soft_wrap=True)


def _kept(after: Run) -> str:
    """The composite in percent; a dash while it is not known."""
    from unlearnbench.utility.derived import utility_of_run

    utility = utility_of_run(after)
    metric = utility and utility.metrics.get("composite")
    value = metric.value if metric else None
    return "–" if value is None else f"{value * 100:.1f} %"


def _say(before: Run, after: Run) -> None:
    """Print the findings of both runs; those that both share only once."""
    from dataclasses import asdict

    from unlearnbench.cli.runs import print_among_known, print_findings

    print_among_known(after)
    shared = [finding for finding in before.findings if finding in after.findings]
    for name, run in (("before", before), ("after", after)):
        separate = [asdict(finding) for finding in run.findings if finding not in shared]
        print_findings({**finding, "text": f"{name}: {finding['text']}"} for finding in separate)
    print_findings(asdict(finding) for finding in shared)
