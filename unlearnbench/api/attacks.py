"""Attack a checkpoint: stress tests that leave it as it is, and relearning that trains it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from unlearnbench.api.engines import (
    asking_engine,
    attack_crew,
    check_execution,
    names_for_workers,
)
from unlearnbench.attacks.catalog import SCALES, default_arms, get_relearn_profile
from unlearnbench.benchmark.sources import named_benchmark
from unlearnbench.environment import extra, this_process
from unlearnbench.errors import EngineError, PluginError, TrainingError
from unlearnbench.files.disk import check_folder_option
from unlearnbench.naming import label, nearest
from unlearnbench.plugins import available, load
from unlearnbench.progress import OnProgress, ignore
from unlearnbench.protocol.prompting import check_by_protocol
from unlearnbench.runs.folder import default_folder
from unlearnbench.training.record import summary
from unlearnbench.types.execution import ExecutorOptions
from unlearnbench.types.options import EngineOptions, RunOptions

if TYPE_CHECKING:
    import torch

    from unlearnbench.benchmark import Benchmark
    from unlearnbench.checkpoints.resolve import Checkpoint
    from unlearnbench.executors.crew import Crew
    from unlearnbench.interfaces import Judge
    from unlearnbench.protocol.runner import Runner
    from unlearnbench.runs.schema import FinishedRelearn, FinishedStress

R = TypeVar("R", bound="FinishedStress | FinishedRelearn")


@dataclass(frozen=True, slots=True)
class Attacked(Generic[R]):
    """The folder of an attack's runs, and its record."""

    folder: Path
    record: R


def stress(
    checkpoint: str,
    benchmark: str | Benchmark = "wkf",
    *,
    source: str | None = None,
    only: Sequence[str] = (),
    base: str | None = None,
    profile: str = "quick",
    engine: str = "transformers",
    judge: str | Judge | None = None,
    limit: int | None = None,
    seed: int = 0,
    max_cost: float | None = None,
    engine_options: EngineOptions = EngineOptions(),
    run_options: RunOptions = RunOptions(),
    executor_options: ExecutorOptions = ExecutorOptions(),
    on_progress: OnProgress = ignore,
) -> Attacked[FinishedStress]:
    """Test whether facts leak from a checkpoint in other ways, without training it.

    Example:
        >>> result = stress("trained/mine", "wkf", base="smollm2-135m")

    Args:
        checkpoint: Hub id, local folder, PEFT adapter folder, `.gguf` file, or alias.
        benchmark: Name of a shipped benchmark, a folder with one, or a loaded one.
        source: The authors' own files of `lkf`, `tofu`, `rwku` or `muse`: `hub` or a folder.
        only: Names of the stress tests to run. Default: all that can be run.
        base: The model before unlearning. Tests that need it are left out without one, unless they
            are named.
        profile: `quick`, or `full` with more paraphrases and samples.
        engine: `transformers`, or `vllm`, which only asks: tests that need the weights are left out
            and named in the record.
        judge: Name or object. Default: the benchmark's.
        limit: Only the first so many facts of each split; such a record is not ranked.
        seed: Seeds every draw.
        max_cost: US dollars that each paid judge may spend; the rest stays open.
        engine_options: How the checkpoint is run.
        run_options: Where the runs are stored.
        executor_options: Which processes ask the model: this one, or workers of a Ray cluster.
        on_progress: Called with every report of progress and every finding.

    Returns:
        The folder and its record, which is also in `stress.json`.

    Raises:
        UnlearnbenchError: For every error that the caller can correct.
    """
    from unlearnbench.attacks.stress.asked_by import left_out
    from unlearnbench.attacks.stress.elsewhere import StressRecipe
    from unlearnbench.attacks.stress.suite import Suite, run_suite

    if profile not in SCALES:
        raise PluginError(f"--profile {profile}: {nearest(profile, SCALES)}")
    check_by_protocol(engine_options, "stress")
    asking = asking_engine(engine, engine_options)
    _check_workers(engine, executor_options)
    facts = _prepare(benchmark, run_options, source)
    tests = [load("stress", name)() for name in only or available("stress")]
    missing = left_out(tests, base is not None, asking is None)
    if only and missing:
        raise PluginError("stress test {} {}".format(*next(iter(missing.items()))))
    subject, before = _resolved(checkpoint, base, engine_options)
    names = names_for_workers(checkpoint, base, before, engine_options)
    with attack_crew(StressRecipe(names), subject, executor_options) as crew:
        device, dtype = _computing(crew, engine_options)
        suite = Suite(
            tests=[test for test in tests if test.name not in missing],
            checkpoint=subject,
            benchmark=facts,
            scale=replace(SCALES[profile], limit=limit),
            runner=_runner(checkpoint, facts, judge, max_cost, on_progress, forms=True),
            base=before,
            device=device,
            dtype=dtype,
            seed=seed,
            # What another engine would choose for itself need not be what the identity says.
            options=replace(engine_options, dtype=str(dtype).removeprefix("torch.")),
            left_out=missing,
            asking=asking,
            crew=crew,
        )
        name, identity = label("stress", facts.id, subject.label), suite.identity.model_dump()
        folder = default_folder("runs", name, identity, run_options)
        return Attacked(folder, run_suite(suite, folder))


def _computing(crew: Crew | None, options: EngineOptions) -> tuple[torch.device, torch.dtype]:
    """The device and data type of a suite; workers choose their own, and by these one type."""
    from unlearnbench.engines.transformers.loading import choose_device, choose_dtype

    device = choose_device("auto" if crew else options.device)
    chosen = crew.whole.info.settings["dtype"] if crew else options.dtype
    return device, choose_dtype(str(chosen), device)


def _check_workers(engine: str, options: ExecutorOptions) -> None:
    """Raise `EngineError` for workers with another engine than theirs."""
    if engine != "transformers" and options.executor != "local":
        raise EngineError(
            f"--engine {engine} --executor {options.executor}: workers of stress tests hold "
            "transformers models; leave one of the two out"
        )
    check_execution("transformers", options)


def relearn(
    checkpoint: str,
    benchmark: str | Benchmark = "wkf",
    *,
    source: str | None = None,
    arms: Sequence[str] = (),
    profile: str = "quick",
    long: bool = False,
    lora: bool = False,
    base: str | None = None,
    judge: str | Judge | None = None,
    limit: int | None = None,
    max_cost: float | None = None,
    engine_options: EngineOptions = EngineOptions(),
    run_options: RunOptions = RunOptions(),
    executor_options: ExecutorOptions = ExecutorOptions(),
    on_progress: OnProgress = ignore,
) -> Attacked[FinishedRelearn]:
    """Test whether facts come back when a checkpoint is trained a little on something else.

    Example:
        >>> result = relearn("trained/mine", "wkf", arms=["benign"], base="smollm2-135m")

    Args:
        checkpoint: Hub id, local folder, PEFT adapter folder, `.gguf` file, or alias.
        benchmark: Name of a shipped benchmark, a folder with one, or a loaded one.
        source: The authors' own files of `lkf`, their relearning set with them, instead of the rows
            that ship: `hub` or a folder.
        arms: What is trained on; `benign` stands for all benign arms. Default: `disjoint` in
            profile `quick` (`retain` where the benchmark has no such set), all in `full`.
        profile: `quick` (32 steps) or `full` (256 steps, three seeds).
        long: Train up to 2,048 steps.
        lora: Train an adapter instead of all weights.
        base: The model before unlearning, whose rate is the ceiling.
        judge: Name or object. Default: the benchmark's.
        limit: Only the first so many facts of each split; such a record is not ranked.
        max_cost: US dollars that each paid judge may spend; the rest stays open.
        engine_options: How the checkpoint is run. Weights are trained in float32.
        run_options: Where the runs are stored.
        executor_options: Which processes train and ask: this one, or workers of a Ray cluster,
            each with one arm and seed at a time.
        on_progress: Called with every report of progress and every point of a curve.

    Returns:
        The folder and its record, which is also in `relearn.json`.

    Raises:
        UnlearnbenchError: For every error that the caller can correct.
    """
    from unlearnbench.attacks.relearn.arms import expand_arms
    from unlearnbench.attacks.relearn.elsewhere import RelearnRecipe
    from unlearnbench.attacks.relearn.relearning import Relearning, run_relearning
    from unlearnbench.training.processes import all_agree, first_decides, in_turn, join

    if engine_options.dtype not in ("auto", "float32"):
        raise TrainingError(f"--dtype {engine_options.dtype}: relearning trains in float32")
    check_by_protocol(engine_options, "relearn")
    check_execution("transformers", executor_options)
    if executor_options.executor == "ray" and this_process().count > 1:
        raise TrainingError("--executor ray starts its own processes: leave torchrun out")
    join(engine_options.device)
    facts = all_agree(lambda: _prepare(benchmark, run_options, source))
    default = default_arms(facts, profile)
    subject, before = in_turn(lambda: _resolved(checkpoint, base, engine_options, peft=lora))
    job = all_agree(
        lambda: Relearning(
            checkpoint=subject,
            benchmark=facts,
            arms=expand_arms(arms or default, facts),
            profile=get_relearn_profile(profile, long),
            runner=_runner(checkpoint, facts, judge, max_cost, on_progress),
            lora=lora,
            base=before,
            options=engine_options,
            limit=limit,
        )
    )
    name = label("relearn", facts.id, subject.label)
    folder = first_decides(
        lambda: default_folder("runs", name, job.identity.model_dump(), run_options)
    )
    names = names_for_workers(checkpoint, base, before, engine_options)
    recipe = RelearnRecipe(names, job.profile, lora)
    with attack_crew(recipe, subject, executor_options) as crew:
        return Attacked(folder, run_relearning(replace(job, crew=crew), folder))


def _prepare(benchmark: str | Benchmark, run_options: RunOptions, source: str | None) -> Benchmark:
    check_folder_option("--out", Path(run_options.out or "runs"))
    return named_benchmark(benchmark, source)


def _resolved(
    checkpoint: str, base: str | None, options: EngineOptions, peft: bool = False
) -> tuple[Checkpoint, Checkpoint | None]:
    """The checkpoint and its base, if what they need is installed."""
    from unlearnbench.checkpoints.resolve import resolve

    subject, before = resolve(checkpoint, options.tokenizer), resolve(base) if base else None
    if peft or subject.adapters or (before is not None and before.adapters):
        extra("peft", "peft")
    return subject, before


def _runner(
    checkpoint: str,
    facts: Benchmark,
    judge: str | Judge | None,
    max_cost: float | None,
    on_progress: OnProgress,
    forms: bool = False,
) -> Runner:
    from unlearnbench.api.judges import judge_for
    from unlearnbench.protocol.runner import Runner

    judging = judge_for(facts, judge, max_cost, forms=forms)
    return Runner(judging, summary(Path(checkpoint), facts.fingerprint), on_progress)
