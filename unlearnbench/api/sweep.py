"""Train and score along a grid of one setting: what forgetting costs in utility."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnbench.api.scoring import score
from unlearnbench.api.training import Trained, check_training, train
from unlearnbench.errors import TrainingError
from unlearnbench.files.disk import check_folder_option, write_atomically
from unlearnbench.naming import label
from unlearnbench.progress import OnProgress, Progress, ignore
from unlearnbench.reporting.charts import TradeOffPoint, svg_file, trade_off_chart
from unlearnbench.types.options import RunOptions, TrainOptions

if TYPE_CHECKING:
    import pandas as pd

    from unlearnbench.interfaces import Judge
    from unlearnbench.runs.run import Run


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """One trained checkpoint: the setting's value, its scores (conservative while facts are open).

    `warnings` are the codes of its run's warnings (`Run.findings`).
    """

    setting: str
    value: str
    worst_case: float
    retain: float
    fluency: float
    n_open: int
    checkpoint: str
    run: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sweep:
    """The points of a sweep: first the model before training, then one for each value.

    `folder` holds them as `tradeoff.json` and `.csv`, drawn in `tradeoff.svg`.
    """

    folder: Path
    points: tuple[SweepPoint, ...]

    def to_pandas(self) -> pd.DataFrame:
        """One row per point."""
        import pandas as pd

        return pd.DataFrame([asdict(point) for point in self.points])


def sweep(
    base: str,
    setting: str,
    values: Sequence[str],
    benchmark: str = "wkf",
    *,
    method: str = "jensun",
    source: str | None = None,
    profile: str | None = None,
    judge: str | Judge | None = None,
    train_options: TrainOptions = TrainOptions(),
    run_options: RunOptions = RunOptions(),
    on_progress: OnProgress = ignore,
) -> Sweep:
    """Train with each value of a setting and score the results, to see what forgetting costs.

    Existing results are read, not made again. Every value and the folder are checked before any
    training.

    Example:
        >>> result = sweep("smollm2-135m", "lambda_r", ["0.3", "1", "3"])

    Args:
        base: The model to train.
        setting: Name of a setting or method parameter.
        values: Its values, as they would be typed.
        benchmark: Name of a shipped benchmark, or a folder with one.
        method: Name of the method.
        source: The authors' own files of `lkf`, `tofu`, `rwku` or `muse`: `hub` or a folder.
        profile: How facts become probes. Default: the benchmark's.
        judge: Name or object. Default: the benchmark's.
        train_options: How each checkpoint is trained.
        run_options: Where checkpoints, runs and the plot are kept.
        on_progress: Called with every report of progress and every point.

    Returns:
        The points.

    Raises:
        UnlearnbenchError: As `train` and `score` do.
    """
    if not values:
        raise TrainingError(f"--sweep {setting}: give at least one value: {setting}=0.1,0.5,1")
    choices = [_with_value(train_options, setting, value) for value in values]
    for options in choices:
        check_training(method, options)
    name = label("sweep", benchmark, Path(base).name, method, setting)
    folder = Path(run_options.out or Path("trained") / name)
    check_folder_option("--out", folder)
    job = _Job(benchmark, source, method, profile, judge, run_options.resume, on_progress)
    points = [_point(setting, "base", base, job.score(base, folder / "base-run"))]
    job.report(folder, points, len(values))
    for value, options in zip(values, choices, strict=True):
        place = folder / f"{setting}-{value}"
        trained = job.train(base, options, place)
        into = place.with_name(f"{place.name}-run")
        run = job.score(str(trained.folder), into, points[0].run)
        points.append(_point(setting, value, str(place), run))
        _write(points, setting, method, folder)
        job.report(folder, points, len(values))
    return Sweep(folder, tuple(points))


def _with_value(options: TrainOptions, setting: str, value: str) -> TrainOptions:
    return replace(options, settings={**options.settings, setting: value})


@dataclass(frozen=True, slots=True)
class _Job:
    """The settings that all trainings and runs of a sweep share."""

    benchmark: str
    source: str | None
    method: str
    profile: str | None
    judge: str | Judge | None
    resume: bool
    on_progress: OnProgress

    def train(self, base: str, options: TrainOptions, folder: Path) -> Trained:
        return train(
            base,
            self.benchmark,
            method=self.method,
            source=self.source,
            train_options=options,
            run_options=RunOptions(folder, self.resume),
            on_progress=self.on_progress,
        )

    def score(self, checkpoint: str, folder: Path, base: str | None = None) -> Run:
        return score(
            checkpoint,
            self.benchmark,
            source=self.source,
            profile=self.profile,
            judge=self.judge,
            base=base,
            run_options=RunOptions(folder, self.resume),
            on_progress=self.on_progress,
        )

    def report(self, folder: Path, points: Sequence[SweepPoint], total: int) -> None:
        last = points[-1]
        text = f"{last.setting}={last.value}: worst case {last.worst_case:.1%}, "
        text += f"retain {last.retain:.1%}"
        self.on_progress(Progress(folder, "results", len(points) - 1, total, text=text))


def _point(setting: str, value: str, checkpoint: str, run: Run) -> SweepPoint:
    scores = run.scores
    return SweepPoint(
        setting,
        value,
        scores["forget.worst_case"].high,
        scores["retain.mean"].low,
        scores["fluency"].low,
        scores["forget.worst_case"].n_open,
        checkpoint,
        str(run.path),
        tuple(f.code for f in run.findings if f.severity == "warning"),
    )


def _write(points: Sequence[SweepPoint], setting: str, method: str, out: Path) -> None:
    rows = [asdict(point) for point in points]
    write_atomically(out / "tradeoff.json", json.dumps(rows, indent=1) + "\n")
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "warnings": " ".join(row["warnings"])} for row in rows)
    write_atomically(out / "tradeoff.csv", text.getvalue())
    write_atomically(out / "tradeoff.svg", _drawing(points, setting, method))


def _drawing(points: Sequence[SweepPoint], setting: str, method: str) -> str:
    """The points as an SVG file, the model before training as the reference."""
    marks = [
        TradeOffPoint(
            name=f"{setting}={point.value}" if number else "before training",
            worst_case=point.worst_case,
            retain=point.retain,
            is_reference=not number,
            is_open=bool(point.n_open),
        )
        for number, point in enumerate(points)
    ]
    chart = trade_off_chart(marks, joined=True)
    description = ". ".join(dot.mark.tooltip for dot in chart.dots)
    return svg_file(chart, f"{method}: what forgetting costs, by {setting}", f"{description}.")
