"""Compare runs: what they forgot, and what they kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from unlearnbench.benchmark.utility_sets import load_utility_sets
from unlearnbench.errors import RunError
from unlearnbench.runs.compare import ComparedRun, Comparison, comparable, compare_scores
from unlearnbench.runs.pair import compare_pair
from unlearnbench.runs.run import Run
from unlearnbench.runs.schema.utility import UtilityRecord
from unlearnbench.runs.utility_pair import UtilityComparison, verdict_on
from unlearnbench.utility.beside import metrics_beside
from unlearnbench.utility.derived import utility_of_run
from unlearnbench.utility.paired import compare_utility


def compare(runs: Sequence[Run | str | Path], base: str | Path | None = None) -> Comparison:
    """Compare runs of one benchmark: what leaks, what the models can still do, and a verdict.

    Example:
        >>> compare(["runs/wkf-a-1a2b3c4d", "runs/wkf-b-5e6f7a8b"]).to_pandas()

    Args:
        runs: Two runs or more, or their folders.
        base: Folder of a run of the model before unlearning; each row then also says how many of
            the facts that it knew leak.

    Returns:
        A row a run, and for each run after the first what it keeps beside the first, with a
        sentence about both; of exactly two runs also which facts leak in which, and where judges
        differ.

    Raises:
        RunError: One is no score run, or they are of different benchmarks; or two runs did not ask
            the same probes; or one cannot be compared with the base; or a `utility.json` is damaged
            or of another checkpoint.
    """
    read = comparable(runs, base)
    first, sets = read[0], load_utility_sets()
    records = [utility_of_run(run) for run in read]
    kept = tuple(compare_utility(records[0], record, sets) for record in records[1:])
    verdicts = tuple(
        _verdict(first, run, utility) for run, utility in zip(read[1:], kept, strict=True)
    )
    compared = compare_scores(read)
    rows = tuple(map(_with_utility, compared.runs, read, records))
    return replace(compared, runs=rows, utility=kept, verdicts=verdicts)


def _with_utility(row: ComparedRun, run: Run, record: UtilityRecord | None) -> ComparedRun:
    """A row with the metrics of utility, compared with the base's where that is given."""
    if record is None:
        return row
    base = None if run.base is None else utility_of_run(run.base)
    return replace(row, utility=metrics_beside(record, base)[0])


def _verdict(first: Run, second: Run, utility: UtilityComparison) -> str:
    try:
        return verdict_on(first, second, compare_pair(first, second), utility)
    except RunError:
        return "no verdict: the runs did not ask the same probes"
