"""The record of a relearning run under way, to which legs add their points."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from unlearnbench.attacks.catalog import RelearnProfile
from unlearnbench.attacks.relearn.arms import Arm
from unlearnbench.attacks.relearn.summary import summarise
from unlearnbench.progress import OnProgress, Progress
from unlearnbench.runs.attacks import write_attack
from unlearnbench.runs.schema import ArmRecord, FinishedRelearn, Point, RelearnRecord, utc_now

T = TypeVar("T")


class RelearnCurves:
    """Writes `relearn.json` whenever a point is known; several threads may add points.

    The record holds arms and seeds in one order, whichever of them are trained first.
    """

    def __init__(
        self,
        folder: Path,
        record: RelearnRecord,
        profile: RelearnProfile,
        arms: Sequence[str],
        on_progress: OnProgress,
    ) -> None:
        self._folder, self._profile, self._on_progress = folder, profile, on_progress
        self._arms = list(dict.fromkeys([*record.arms, *arms]))
        self._total = len(arms) * len(profile.seeds) * len(profile.steps)
        self._record = record
        self._began, self._before = time.monotonic(), record.seconds
        self._lock = threading.Lock()

    @property
    def ceiling(self) -> Point | None:
        """The base model's point, if it is known."""
        return self._record.ceiling

    @property
    def created(self) -> str:
        """When the record was begun."""
        return str(self._record.created)

    def begin(self, first: Point) -> None:
        """Add the checkpoint's own point."""
        with self._lock:
            self._write({"first": first})

    def add_ceiling(self, ceiling: Point | None) -> None:
        """Add the base model's point."""
        with self._lock:
            self._write({"ceiling": ceiling})

    def add(self, arm: Arm, seed: int, point: Point) -> None:
        """Add a leg's point, or the same one again, and report it."""
        with self._lock:
            kept = self._record.arms.get(arm.name) or _about(arm, self._profile)
            kept = kept.with_point(seed, point)
            seeds = _ordered(kept.seeds, map(str, self._profile.seeds))
            arms = {**self._record.arms, arm.name: kept.model_copy(update={"seeds": seeds})}
            self._write({"arms": _ordered(arms, self._arms)})
            self._report(f"{arm.name}, seed {seed}, step {point.step}", point)

    def finish(self) -> FinishedRelearn:
        """The record with its summary, and whether anything is open."""
        record, first = self._record, self._record.first
        assert first is not None
        n_open = first.n_open + sum(point.n_open for point in record.points)
        end = {
            "summary": summarise(record.arms, record.ceiling, first),
            "n_open": n_open,
            "status": "open" if n_open else "complete",
            "finished": utc_now(),
        }
        finished = FinishedRelearn(**{**dict(record), **end})
        write_attack(self._folder, finished)
        return finished

    def _write(self, changes: Mapping[str, object]) -> None:
        seconds = round(self._before + time.monotonic() - self._began, 1)
        self._record = self._record.model_copy(update={**changes, "seconds": seconds})
        write_attack(self._folder, self._record)

    def _report(self, part: str, point: Point) -> None:
        """Report a point: the number of points so far, their total, and its rates."""
        rates = {"forget": point.forget.high, "retain": point.retain.high}
        text = f"{part}: forget {rates['forget']:.1%}, retain {rates['retain']:.1%}"
        done = min(len(list(self._record.points)), self._total)
        report = Progress(self._folder, "results", done, self._total, part, rates, text)
        self._on_progress(report)


def _ordered(values: Mapping[str, T], names: Iterable[str]) -> dict[str, T]:
    """The values whose names are listed, in that order, then the others."""
    listed = {name: values[name] for name in names if name in values}
    return {**listed, **values}


def _about(arm: Arm, profile: RelearnProfile) -> ArmRecord:
    """An arm without points."""
    rows, size = len(arm.rows), profile.batch_size
    return ArmRecord(
        benign=arm.benign,
        rows=rows,
        left_out=arm.left_out,
        scored=len(arm.scored),
        tokens_a_step=round(size * sum(len(r.ids) for r in arm.rows) / rows, 1),
        trained_tokens_a_step=round(size * sum(len(r.answer) for r in arm.rows) / rows, 1),
        seeds={},
    )
