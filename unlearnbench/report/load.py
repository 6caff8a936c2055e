"""What kind of run a folder holds, and which runs are about the same checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from unlearnbench.errors import RunError
from unlearnbench.protocol.run import Run, load_run
from unlearnbench.report.records import (
    Identity,
    Manifest,
    RelearnRecord,
    StressRecord,
    Training,
    shaped,
)
from unlearnbench.runs.attacks import RELEARN, STRESS, read_relearn, read_stress
from unlearnbench.scoring.correction import Corrected

Corrections = Callable[[Run], Mapping[str, Corrected]]
"""A run's forget scores corrected for its judge's measured errors, by score name."""


@dataclass(frozen=True, slots=True)
class ScoreRun:
    """A run of `score`, or one judged again."""

    path: Path
    about: Manifest
    run: Run
    corrected: Corrected | None = None

    @property
    def identity(self) -> Identity:
        """What it belongs to."""
        return self.about.identity

    @property
    def label(self) -> str:
        """What the checkpoint is called."""
        return self.about.generator.checkpoint

    @property
    def training(self) -> Training | None:
        """How the checkpoint came about, if that is known."""
        return self.about.training


@dataclass(frozen=True, slots=True)
class StressRun:
    """A folder of `stress`. `baseline` is None if the run below it is gone. `date`: its file's."""

    path: Path
    record: StressRecord
    baseline: Run | None
    date: str

    @property
    def identity(self) -> Identity:
        """What it belongs to."""
        return self.record.identity

    @property
    def label(self) -> str:
        """What the checkpoint is called."""
        return self.record.checkpoint

    @property
    def training(self) -> Training | None:
        """How the checkpoint came about, if that is known."""
        return self.record.training


@dataclass(frozen=True, slots=True)
class RelearnRun:
    """A folder of `relearn`. `date`: its file's."""

    path: Path
    record: RelearnRecord
    date: str

    @property
    def identity(self) -> Identity:
        """What it belongs to."""
        return self.record.identity

    @property
    def label(self) -> str:
        """What the checkpoint is called."""
        return self.record.checkpoint

    @property
    def training(self) -> Training | None:
        """How the checkpoint came about, if that is known."""
        return self.record.training


@dataclass(slots=True)
class Checkpoint:
    """All runs about one checkpoint on one benchmark, both told by fingerprint."""

    identity: Identity
    label: str
    training: Training | None = None
    scores: list[ScoreRun] = field(default_factory=list)
    stresses: list[StressRun] = field(default_factory=list)
    relearnings: list[RelearnRun] = field(default_factory=list)

    @property
    def attacks(self) -> list[StressRun | RelearnRun]:
        """Its stress tests and its relearning runs."""
        return [*self.stresses, *self.relearnings]


def load(paths: Iterable[Path], corrections: Corrections) -> list[Checkpoint]:
    """The runs in some folders, by checkpoint, in the order in which these are first met.

    A folder given twice counts once. Raises `RunError` for what is not a run of the three kinds, or
    damaged.
    """
    found: dict[tuple[str, str], Checkpoint] = {}
    seen = set()
    for path in paths:
        if path.resolve() in seen:
            continue
        seen.add(path.resolve())
        for one in _read(path, corrections):
            key = (one.identity.checkpoint, one.identity.benchmark_fingerprint)
            into = found.setdefault(key, Checkpoint(one.identity, one.label))
            into.training = into.training or one.training
            _add(into, one)
    return list(found.values())


def base_of(checkpoint: Checkpoint, others: Iterable[Checkpoint]) -> Checkpoint | None:
    """The model before unlearning, if runs of it on the same benchmark are among the others."""
    named = {attack.identity.base for attack in checkpoint.attacks}
    if checkpoint.training:
        named.add(checkpoint.training.base.fingerprint)
    return next(
        (
            other
            for other in others
            if other is not checkpoint
            and other.identity.checkpoint in named
            and other.identity.benchmark_fingerprint == checkpoint.identity.benchmark_fingerprint
        ),
        None,
    )


def open_run(path: Path) -> Run:
    """A run folder. Raises `RunError` if it is missing or damaged in any way."""
    try:
        return load_run(path)
    except (KeyError, TypeError) as error:
        raise RunError(
            f"{path}: a line lacks or mistakes {error}; restore it, or make the run again"
        ) from error


def _add(into: Checkpoint, one: ScoreRun | StressRun | RelearnRun) -> None:
    if isinstance(one, ScoreRun):
        into.scores.append(one)
    elif isinstance(one, StressRun):
        into.stresses.append(one)
    else:
        into.relearnings.append(one)


def _read(path: Path, corrections: Corrections) -> list[ScoreRun | StressRun | RelearnRun]:
    """Everything a folder holds of its own; runs below it belong to its record."""
    found: list[ScoreRun | StressRun | RelearnRun] = []
    if (path / STRESS).is_file():
        stress = shaped(StressRecord, read_stress(path), path / STRESS)
        below = path / "baseline"
        baseline = open_run(below) if (below / "run.json").is_file() else None
        found.append(StressRun(path, stress, baseline, _date(path / STRESS)))
    if (path / RELEARN).is_file():
        relearn = shaped(RelearnRecord, read_relearn(path), path / RELEARN)
        found.append(RelearnRun(path, relearn, _date(path / RELEARN)))
    return found or [_score_run(path, corrections)]


def _score_run(path: Path, corrections: Corrections) -> ScoreRun:
    if not (path / "run.json").is_file():
        raise RunError(
            f"{path} is not a run: it has no run.json, {STRESS} or {RELEARN}; give the folder that "
            "score, stress or relearn wrote"
        )
    run = open_run(path)
    if "benchmark" not in run.manifest.get("identity", {}):
        raise RunError(
            f"{path} is a part of a stress or relearning run; give the folder above it that holds "
            f"{STRESS} or {RELEARN}"
        )
    about = shaped(Manifest, run.manifest, path / "run.json")
    return ScoreRun(path, about, run, corrections(run).get("forget.worst_case"))


def _date(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime("%Y-%m-%d")
