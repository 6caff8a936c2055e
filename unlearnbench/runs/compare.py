"""Compare runs of one benchmark, one row per run, and two of them fact by fact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnbench.errors import RunError
from unlearnbench.runs.pair import PairComparison, compare_pair
from unlearnbench.runs.run import Run, load_base
from unlearnbench.runs.utility_pair import UtilityComparison
from unlearnbench.scoring.findings import RunFinding
from unlearnbench.scoring.known import AMONG_KNOWN
from unlearnbench.scoring.scores import FORGET_VIEWS, HEADLINE, STRICT
from unlearnbench.types import Score

if TYPE_CHECKING:
    import pandas as pd

    from unlearnbench.runs.schema.utility import Metric

_FIRST = (HEADLINE, STRICT)
SCORES = (*_FIRST, *(name for name in FORGET_VIEWS if name not in _FIRST), "retain.mean")
"""Scores that are compared, the headlines first."""
UTILITY_METRICS = (
    "composite",
    "choice.letters",
    "choice.texts",
    "answers.degenerate",
    "answers.ngram_entropy",
    "prose.bits_per_byte",
)
"""Metrics of utility that are compared; the composite needs a base."""
Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One row of a comparison.

    Args:
        path: The run's folder.
        checkpoint: Name of the checkpoint.
        judge: Name of the judge.
        judge_identity: Fingerprint of the judge.
        profile: How facts became probes.
        scores: The compared scores by name, shares from 0 to 1; those that the run has.
        n_open: Probes without a verdict; while there are any, scores are intervals.
        findings: What a reader of the run must know.
        base: Name of the model before unlearning, where a run of it is given; `scores` then hold
            `forget.among_known` unless it knew nothing.
        utility: The metrics of utility by name; empty where it was not measured.
    """

    path: Path
    checkpoint: str
    judge: str
    judge_identity: str
    profile: str
    scores: Mapping[str, Score]
    n_open: int
    findings: tuple[RunFinding, ...]
    base: str | None = None
    utility: Mapping[str, Metric] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the compared scores, whether or not the run has them."""
        return SCORES if self.base is None else (*_FIRST, AMONG_KNOWN, *SCORES[len(_FIRST) :])

    def record(self) -> dict[str, Cell]:
        """The row as plain values, each score as bounds and 95 % interval."""
        made: dict[str, Cell] = {
            "run": str(self.path),
            "checkpoint": self.checkpoint,
            "judge": self.judge,
            "profile": self.profile,
        }
        for name in self.names:
            score = self.scores.get(name)
            made[f"{name}.low"] = score.low if score else None
            made[f"{name}.high"] = score.high if score else None
            made[f"{name}.interval_low"] = score.interval.low if score else None
            made[f"{name}.interval_high"] = score.interval.high if score else None
        for name in UTILITY_METRICS:
            metric = self.utility.get(name)
            made[f"utility.{name}.low"] = metric.low if metric else None
            made[f"utility.{name}.high"] = metric.high if metric else None
        made["open"] = self.n_open
        made["findings"] = " ".join(finding.code for finding in self.findings)
        return made


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs of one benchmark, in the order in which they were given.

    Args:
        benchmark: Name and version of the benchmark.
        runs: One row a run.
        pair: Two runs fact by fact; None for any other number of them.
        utility: What each run after the first keeps beside the first, metric by metric.
        verdicts: A sentence about each run after the first: forgetting and utility.
    """

    benchmark: str
    runs: tuple[ComparedRun, ...]
    pair: PairComparison | None = None
    utility: tuple[UtilityComparison, ...] = ()
    verdicts: tuple[str, ...] = ()

    def to_pandas(self) -> pd.DataFrame:
        """One row per run; scores as bounds and 95 % intervals, from 0 to 1."""
        import pandas as pd

        return pd.DataFrame([run.record() for run in self.runs])


def comparable(runs: Sequence[Run | str | Path], base: str | Path | None = None) -> list[Run]:
    """The runs, read where a folder is given, beside the base's. Raises `RunError` as `compare`."""
    from unlearnbench.runs.stored import load_judged

    read = [run if isinstance(run, Run) else load_judged(run) for run in runs]
    if len(read) < 2:
        raise RunError("a comparison takes two runs or more")
    different = next(_other_benchmarks(read), None)
    if different is not None:
        raise RunError(f"{different}; compare runs of one benchmark and version")
    if base is None:
        return read
    before = load_base(base)
    return [run.against(before) for run in read]


def compare_scores(runs: Sequence[Run]) -> Comparison:
    """Compare the scores of runs of one benchmark. Raises `RunError` as `compare`."""
    pair = compare_pair(*runs) if len(runs) == 2 else None
    return Comparison(_benchmark(runs[0]), tuple(map(_row, runs)), pair)


def _benchmark(run: Run) -> str:
    identity = run.record.score_identity
    return f"{identity.benchmark} {identity.benchmark_version}"


def _other_benchmarks(runs: Sequence[Run]) -> Iterator[str]:
    first = runs[0]
    prints = [run.record.score_identity.benchmark_fingerprint for run in runs]
    for run, fingerprint in zip(runs, prints, strict=True):
        if fingerprint != prints[0]:
            mine, theirs = _benchmark(first), _benchmark(run)
            how = f"{theirs}, not {mine}" if mine != theirs else f"{mine} with other rows"
            yield f"{run.path} is a run of {how} as in {first.path}"


def _row(run: Run) -> ComparedRun:
    record, among_known = run.record, run.among_known
    scores = {name: run.scores[name] for name in SCORES if name in run.scores}
    if among_known is not None and among_known.n:
        scores[AMONG_KNOWN] = among_known
    return ComparedRun(
        path=run.path,
        checkpoint=record.generator.checkpoint,
        judge=record.judge.name,
        judge_identity=record.judge.identity,
        profile=record.score_identity.profile,
        scores=scores,
        n_open=run.n_open,
        findings=run.findings,
        base=run.base.record.generator.checkpoint if run.base else None,
    )
