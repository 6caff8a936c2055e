"""Read run folders of every kind, and group the runs by checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from unlearnbench.errors import RunError
from unlearnbench.runs.attacks import RELEARN, STRESS, read_relearn, read_stress
from unlearnbench.runs.base import differences_from_base
from unlearnbench.runs.run import Run, load_run
from unlearnbench.runs.schema import (
    RelearnIdentity,
    RelearnRecord,
    ScoreIdentity,
    StressIdentity,
    StressRecord,
    TrainingSummary,
)
from unlearnbench.scoring.correction import Corrected
from unlearnbench.scoring.scores import headline_of

_SUBMISSION = "submission.json"
Submitted = Callable[[Path], Sequence[Run]]
"""Opens a submission that passed all checks and returns its runs."""
Corrections = Callable[[Run], Mapping[str, Corrected]]
"""A run's forget scores corrected for its judge's measured errors, by score name."""


@dataclass(frozen=True, slots=True)
class ScoreRun:
    """A run of `score`, or one judged again."""

    path: Path
    run: Run
    corrected: Corrected | None = None

    @property
    def identity(self) -> ScoreIdentity:
        """What it belongs to."""
        return self.run.record.score_identity

    @property
    def label(self) -> str:
        """What the checkpoint is called."""
        return self.run.record.generator.checkpoint

    @property
    def training(self) -> TrainingSummary | None:
        """How the checkpoint came about, if that is known."""
        return self.run.record.training


R = TypeVar("R", StressRecord, RelearnRecord)


@dataclass(frozen=True)
class _AttackRun(Generic[R]):
    """A folder of an attack."""

    path: Path
    record: R

    @property
    def label(self) -> str:
        """What the checkpoint is called."""
        return self.record.checkpoint

    @property
    def training(self) -> TrainingSummary | None:
        """How the checkpoint came about, if that is known."""
        return self.record.training


@dataclass(frozen=True)
class StressRun(_AttackRun[StressRecord]):
    """A folder of `stress`. `baseline` is None if the run below it is gone."""

    baseline: Run | None

    @property
    def identity(self) -> StressIdentity:
        """What it belongs to."""
        return self.record.identity


@dataclass(frozen=True)
class RelearnRun(_AttackRun[RelearnRecord]):
    """A folder of `relearn`."""

    @property
    def identity(self) -> RelearnIdentity:
        """What it belongs to."""
        return self.record.identity


@dataclass(slots=True)
class CheckpointRuns:
    """All runs of one checkpoint on one benchmark, both identified by fingerprint."""

    identity: ScoreIdentity | StressIdentity | RelearnIdentity
    label: str
    training: TrainingSummary | None = None
    scores: list[ScoreRun] = field(default_factory=list)
    stresses: list[StressRun] = field(default_factory=list)
    relearnings: list[RelearnRun] = field(default_factory=list)

    @property
    def attacks(self) -> list[StressRun | RelearnRun]:
        """Its stress tests and its relearning runs."""
        return [*self.stresses, *self.relearnings]


def collect_runs(
    paths: Iterable[Path], corrections: Corrections, submitted: Submitted | None = None
) -> list[CheckpointRuns]:
    """The runs in some folders, by checkpoint, in the order in which the checkpoints appear.

    A folder given twice counts once, and so does a run of which there are copies (the base model's
    run in several submissions). `submitted` opens the folders that are submissions. Raises
    `RunError` for a folder that is none of the three kinds of run, or damaged.
    """
    checkpoints: dict[tuple[str, str], CheckpointRuns] = {}
    read_folders = set()
    for path in paths:
        if path.resolve() in read_folders:
            continue
        read_folders.add(path.resolve())
        for run in _read(path, corrections, submitted):
            key = (run.identity.checkpoint, run.identity.benchmark_fingerprint)
            into = checkpoints.setdefault(key, CheckpointRuns(run.identity, run.label))
            into.training = into.training or run.training
            _add(into, run)
    return list(checkpoints.values())


def base_of(checkpoint: CheckpointRuns, others: Iterable[CheckpointRuns]) -> CheckpointRuns | None:
    """The model before unlearning, if runs of it on the same benchmark are among the others."""
    bases = {attack.identity.base for attack in checkpoint.attacks}
    if checkpoint.training:
        bases.add(checkpoint.training.base.fingerprint)
    return next(
        (
            other
            for other in others
            if other is not checkpoint
            and other.identity.checkpoint in bases
            and other.identity.benchmark_fingerprint == checkpoint.identity.benchmark_fingerprint
        ),
        None,
    )


def given_base(base: Run, checkpoints: Iterable[CheckpointRuns]) -> CheckpointRuns:
    """A run of the model before unlearning that was given as such.

    Raises `RunError`, with the difference, if not one of the runs can be compared with it.
    """
    runs = [score.run for checkpoint in checkpoints for score in checkpoint.scores]
    if not runs:
        raise RunError(f"--base {base.path}: none of the runs is one of score")
    if all(list(differences_from_base(base, run)) for run in runs):
        runs[0].against(base)  # raises, and says why
    identity = base.record.score_identity
    scores = [ScoreRun(base.path, base)]
    return CheckpointRuns(identity, base.record.generator.checkpoint, scores=scores)


def _add(into: CheckpointRuns, run: ScoreRun | StressRun | RelearnRun) -> None:
    if isinstance(run, ScoreRun):
        if not any(_is_copy(run.run, score.run) for score in into.scores):
            into.scores.append(run)
    elif isinstance(run, StressRun):
        into.stresses.append(run)
    else:
        into.relearnings.append(run)


def _is_copy(run: Run, other: Run) -> bool:
    """Whether two runs hold the same answers and verdicts on the same probes."""
    return (run.record.identity, run.probes, run.completions, run.judgements) == (
        other.record.identity,
        other.probes,
        other.completions,
        other.judgements,
    )


def _read(
    path: Path, corrections: Corrections, submitted: Submitted | None
) -> list[ScoreRun | StressRun | RelearnRun]:
    """The runs of a folder; those below a stress or relearning record belong to the record."""
    attacks: list[ScoreRun | StressRun | RelearnRun] = []
    if (path / STRESS).is_file():
        stress = read_stress(path)
        below = path / "baseline"
        baseline = load_run(below) if (below / "run.json").is_file() else None
        attacks.append(StressRun(path, stress, baseline))
    if (path / RELEARN).is_file():
        attacks.append(RelearnRun(path, read_relearn(path)))
    if submitted is not None and (path / _SUBMISSION).is_file():
        return [*(_score_run(run, corrections) for run in submitted(path)), *attacks]
    return attacks or [_score_run(_run_in(path), corrections)]


def _run_in(path: Path) -> Run:
    if not (path / "run.json").is_file():
        raise RunError(
            f"{path} is not a run: it has no run.json, {STRESS} or {RELEARN}; give the folder that "
            "score, stress or relearn wrote"
        )
    run = load_run(path)
    run.record.check("shown", path)
    return run


def _score_run(run: Run, corrections: Corrections) -> ScoreRun:
    return ScoreRun(run.path, run, corrections(run).get(headline_of(run.scores)))
