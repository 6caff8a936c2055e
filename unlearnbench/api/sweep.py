"""Train and score along a grid of one setting: what forgetting costs in utility."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unlearnbench.api.scoring import score
from unlearnbench.api.training import check_training, train
from unlearnbench.disk import check_folder_option, write_atomically
from unlearnbench.environment import extra
from unlearnbench.errors import TrainingError
from unlearnbench.types import Setting


@dataclass(frozen=True, slots=True)
class Point:
    """One trained checkpoint: the setting's value, its scores (low ends while facts are open).

    `warnings` are the codes of what stands against reading them (`Run.findings`).
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


def sweep(
    method: str,
    base: str,
    benchmark: str,
    setting: str,
    values: Sequence[str],
    changes: Mapping[str, Setting | str],
    out: Path,
    *,
    preset: str | None = None,
    device: str = "auto",
    profile: str | None = None,
    judge: str | None = None,
    told: Callable[[Point], None] = lambda point: None,
) -> list[Point]:
    """Train with each value and score it; what is there already is read, not made again.

    Writes `tradeoff.json`, `tradeoff.csv` and `tradeoff.svg` into `out`. Every value, the plot's
    library and `out` are checked before anything is trained. Raises as `train` and `score` do.
    """
    if not values:
        raise TrainingError(f"--sweep {setting}: give at least one value: {setting}=0.1,0.5,1")
    extra("matplotlib.figure", "plot")
    for value in values:
        check_training(method, {**changes, setting: value}, preset)
    check_folder_option("--out", out)
    points = [_base_point(setting, base, benchmark, out, profile, judge)]
    told(points[0])
    for value in values:
        folder = out / f"{setting}-{value}"
        trained = train(
            method,
            base,
            benchmark,
            changes={**changes, setting: value},
            preset=preset,
            device=device,
            out=folder,
        )
        run = score(
            str(trained.folder),
            benchmark,
            profile=profile,
            judge=judge,
            base=points[0].run,
            out=_run_of(folder),
        )
        points.append(_point(setting, value, str(folder), run))
        told(points[-1])
        _write(points, setting, method, out)
    return points


def _run_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}-run")


def _base_point(
    setting: str, base: str, benchmark: str, out: Path, profile: str | None, judge: str | None
) -> Point:
    run = score(base, benchmark, profile=profile, judge=judge, out=out / "base-run")
    return _point(setting, "base", base, run)


def _point(setting: str, value: str, checkpoint: str, run: Any) -> Point:
    scores = run.scores
    return Point(
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


def _write(points: Sequence[Point], setting: str, method: str, out: Path) -> None:
    rows = [asdict(point) for point in points]
    write_atomically(out / "tradeoff.json", json.dumps(rows, indent=1) + "\n")
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "warnings": " ".join(row["warnings"])} for row in rows)
    write_atomically(out / "tradeoff.csv", text.getvalue())
    _plot(points, setting, method, out / "tradeoff.svg")


def _plot(points: Sequence[Point], setting: str, method: str, path: Path) -> None:
    """Retain against worst case, both in percent; down and to the right is better."""
    figure_module = extra("matplotlib.figure", "plot")
    figure = figure_module.Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.subplots()
    trained = points[1:]
    axes.plot(
        [100 * p.retain for p in trained],
        [100 * p.worst_case for p in trained],
        marker="o",
        linewidth=1,
        label=method,
    )
    axes.plot([100 * points[0].retain], [100 * points[0].worst_case], "s", label="before")
    for point in trained:
        place = (100 * point.retain, 100 * point.worst_case)
        axes.annotate(
            f"{setting}={point.value}", place, xytext=(5, 5), textcoords="offset points", fontsize=8
        )
    axes.set_xlabel("retain.mean, % (more is better)")
    axes.set_ylabel("forget.worst_case, % (less is better)")
    axes.set_xlim(0, 100)
    axes.set_ylim(-3, 108)
    axes.grid(alpha=0.3)
    axes.legend()
    drawn = io.BytesIO()
    # The same points are the same bytes: no date, and ids that follow from what is drawn.
    with extra("matplotlib", "plot").rc_context({"svg.hashsalt": "unlearnbench"}):
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    write_atomically(path, drawn.getvalue())
