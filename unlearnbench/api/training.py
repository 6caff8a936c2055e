"""Train a checkpoint to forget a benchmark's facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlearnbench.benchmark import load_benchmark
from unlearnbench.benchmark.sources import load_source
from unlearnbench.disk import check_folder_option
from unlearnbench.environment import versions
from unlearnbench.hashing import sha256_json
from unlearnbench.naming import label
from unlearnbench.plugins import load
from unlearnbench.types import Setting

if TYPE_CHECKING:
    from unlearnbench.training.record import Unlearning
    from unlearnbench.training.settings import TrainSettings
    from unlearnbench.training.trainer import Report


@dataclass(frozen=True, slots=True)
class Trained:
    """Where the trained checkpoint lies, and the record of its training."""

    folder: Path
    record: Unlearning


def train(
    method: str,
    base: str,
    benchmark: str = "wkf",
    *,
    changes: Mapping[str, Setting | str] | None = None,
    preset: str | None = None,
    source: str | None = None,
    device: str = "auto",
    report_to: str = "none",
    out: str | Path | None = None,
    resume: bool = True,
    report: Report | None = None,
    begun: Callable[[Path], None] = lambda folder: None,
) -> Trained:
    """Train `base` with a method so that it forgets a benchmark's forget facts.

    Settings are the trainer's defaults, under those of the method, of the `preset`, and `changes`
    (settings and method parameters by name), the last one deciding. `source` (`hub` or a folder)
    takes the authors' LKF or TOFU instead of the rows that ship. `out` takes the checkpoint and
    its `unlearning.json` (default: below `trained/`, named by content, so that the same call
    goes on with its own training); `begun` is told of it, `report` of every step. Raises
    `UnlearnbenchError` for what the caller can mend.
    """
    from unlearnbench.checkpoints.resolve import resolve
    from unlearnbench.training.train import Assignment, run

    kind = load("methods", method)
    settings, parameters = check_training(method, changes or {}, preset, report_to)
    check_folder_option("--out", Path(out or "trained"))
    facts = load_benchmark(benchmark) if source is None else load_source(benchmark, source)
    job = Assignment(
        method=kind(parameters),
        base=base,
        checkpoint=resolve(base),
        benchmark=facts,
        settings=settings,
        versions=versions(),
        device=device,
        report_to=report_to,
    )
    folder = (
        Path(out) if out is not None else _default_folder(job.identity, benchmark, base, method)
    )
    begun(folder)
    return Trained(folder, run(job, folder, resume, report or _silent))


def check_training(
    method: str,
    changes: Mapping[str, Setting | str],
    preset: str | None = None,
    report_to: str = "none",
) -> tuple[TrainSettings, Any]:
    """The settings and the method's parameters, if all that they need is installed.

    Raises `TrainingError`, `PluginError` or `MissingExtraError`.
    """
    from unlearnbench.training.settings import TrainSettings, preset_settings, with_settings
    from unlearnbench.training.train import check_needs

    kind = load("methods", method)
    wanted = {**kind.settings, **preset_settings(preset, method), **changes}
    settings, parameters = with_settings(TrainSettings(), kind.Parameters(), wanted)
    check_needs(settings, report_to)
    return settings, parameters


def _default_folder(identity: Mapping[str, Any], benchmark: str, base: str, method: str) -> Path:
    """`trained/<benchmark>-<base>-<method>-<8 hex>`."""
    name = label(Path(benchmark).name, Path(base).name, method)
    return Path("trained") / f"{name}-{sha256_json(dict(identity))[:8]}"


def _silent(step: int, steps: int, figures: Mapping[str, float]) -> None:
    """Tell nobody."""
