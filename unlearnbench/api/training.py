"""Train a checkpoint to forget a benchmark's facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlearnbench.benchmark.sources import named_benchmark
from unlearnbench.environment import versions
from unlearnbench.files.disk import check_folder_option
from unlearnbench.naming import label
from unlearnbench.plugins import load
from unlearnbench.progress import OnProgress, Progress, ignore
from unlearnbench.runs.folder import default_folder
from unlearnbench.types.options import RunOptions, TrainOptions

if TYPE_CHECKING:
    from unlearnbench.benchmark import Benchmark
    from unlearnbench.runs.schema import TrainingRecord
    from unlearnbench.training.method import Method
    from unlearnbench.training.settings import TrainSettings


@dataclass(frozen=True, slots=True)
class Trained:
    """The folder of a trained checkpoint, and the record of its training."""

    folder: Path
    record: TrainingRecord


def train(
    base: str,
    benchmark: str = "wkf",
    *,
    method: str = "jensun",
    source: str | None = None,
    train_options: TrainOptions = TrainOptions(),
    run_options: RunOptions = RunOptions(),
    on_progress: OnProgress = ignore,
) -> Trained:
    """Train a model so that it forgets a benchmark's forget facts.

    Example:
        >>> trained = train("smollm2-135m", train_options=TrainOptions(preset="smollm2-135m"))
        >>> score(str(trained.folder))

    Args:
        base: The model to train: hub id, local folder, PEFT adapter folder, or alias.
        benchmark: Name of a shipped benchmark, or a folder with one.
        method: Name of the method.
        source: The authors' own files of `lkf`, `tofu`, `rwku` or `muse` instead of the rows that
            ship: `hub` or a folder.
        train_options: How it is trained.
        run_options: Where the checkpoint is stored.
        on_progress: Called with every optimiser step and its losses.

    Returns:
        The checkpoint's folder and its record, which is also in `unlearning.json`.

    Raises:
        UnlearnbenchError: For every error that the caller can correct.
    """
    from unlearnbench.checkpoints.resolve import resolve
    from unlearnbench.training.processes import all_agree, first_decides, in_turn, join
    from unlearnbench.training.train import Assignment, train_model

    join(train_options.device)

    def checked() -> tuple[TrainSettings, Method[Any], Benchmark]:
        settings, parameters = check_training(method, train_options)
        check_folder_option("--out", Path(run_options.out or "trained"))
        made: Method[Any] = load("methods", method)(parameters)
        facts = named_benchmark(benchmark, source)
        return settings, made, facts

    settings, made, facts = all_agree(checked)
    job = Assignment(
        method=made,
        base=base,
        checkpoint=in_turn(lambda: resolve(base)),
        benchmark=facts,
        settings=settings,
        versions=versions(),
        device=train_options.device,
        report_to=train_options.report_to,
    )
    name = label(Path(benchmark).name if source is None else facts.id, Path(base).name, method)
    # The folder's name identifies a training; one that must not be resumed is refused there.
    where = RunOptions(run_options.out)
    folder = first_decides(lambda: default_folder("trained", name, job.identity, where))

    def report(step: int, steps: int, figures: Mapping[str, float]) -> None:
        on_progress(Progress(folder, "steps", step, steps, method, figures))

    report(0, settings.max_steps, {})
    return Trained(folder, train_model(job, folder, run_options.resume, report))


def check_training(method: str, options: TrainOptions) -> tuple[TrainSettings, Any]:
    """The settings and the method's parameters, after a check that their libraries are installed.

    Raises `TrainingError`, `PluginError` or `MissingExtraError`.
    """
    from unlearnbench.training.needs import check_needs
    from unlearnbench.training.settings import TrainSettings, preset_settings, with_settings

    kind = load("methods", method)
    values = {**kind.settings, **preset_settings(options.preset, method), **options.changes}
    settings, parameters = with_settings(TrainSettings(), kind.Parameters(), values)
    check_needs(settings, options.report_to)
    return settings, parameters
