"""The utility of compared runs: a row a run, and what differs from the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from unlearnbench.cli.output import stdout, strong
from unlearnbench.cli.utility_table import metric_text

if TYPE_CHECKING:
    from unlearnbench.runs.compare import ComparedRun, Comparison
    from unlearnbench.runs.utility_pair import UtilityComparison


def print_compared_utility(compared: Comparison) -> None:
    """Print the utility of all runs, if any has it, the tests against the first, and verdicts."""
    if any(run.utility for run in compared.runs):
        _print_metrics(compared.runs)
        for run, kept in zip(compared.runs[1:], compared.utility, strict=True):
            _print_tests(run, kept)
    console = stdout()
    for run, verdict in zip(compared.runs[1:], compared.verdicts, strict=True):
        if verdict.startswith("no verdict"):
            console.print(verdict)
            continue
        name = _name(run, compared.runs)
        first = _name(compared.runs[0], compared.runs)
        console.print(strong(f"beside {first}, {name}", f" {verdict}."))


def _print_metrics(runs: Sequence[ComparedRun]) -> None:
    from unlearnbench.cli.output import table
    from unlearnbench.runs.compare import UTILITY_METRICS

    view = table("Utility", "metric", *(_name(run, runs) for run in runs))
    for name in UTILITY_METRICS:
        cells = [metric_text(run.utility[name]) if name in run.utility else "–" for run in runs]
        view.add_row(name, *cells)
    stdout().print(view)
    for run in runs:
        if not run.utility:
            stdout().print(f"{_name(run, runs)}: utility not measured (score --utility)")


def _print_tests(run: ComparedRun, kept: UtilityComparison) -> None:
    from unlearnbench.cli.output import table
    from unlearnbench.runs.utility_pair import p_text

    if kept.refused is not None:
        stdout().print(f"{run.path}: utility not compared: {kept.refused}")
        return
    view = table(f"{run.checkpoint} minus the first", "metric", "difference", "n", "p", "p (Holm)")
    for name, d in kept.differences.items():
        cells = (
            f"{d.difference:+.3f}",
            str(d.n),
            *(p_text(p).removeprefix("= ") for p in (d.p, d.adjusted)),
        )
        view.add_row(name, *cells)
    stdout().print(view)
    if kept.n_open:
        stdout().print(strong(f"{kept.n_open} answers are open in one of the runs", "."))


def _name(run: ComparedRun, runs: Sequence[ComparedRun]) -> str:
    """The checkpoint's name, or the folder's where two runs share it."""
    shared = sum(other.checkpoint == run.checkpoint for other in runs) > 1
    return run.path.name if shared else run.checkpoint
