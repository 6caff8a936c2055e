"""Attack a checkpoint: stress tests that leave it as it is, and relearning that trains it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from unlearnbench.attacks.catalog import SCALES, default_arms, get_relearn_profile
from unlearnbench.benchmark import load_benchmark
from unlearnbench.benchmark.sources import load_source
from unlearnbench.environment import extra
from unlearnbench.errors import PluginError, TrainingError
from unlearnbench.files.disk import check_folder_option
from unlearnbench.naming import label, nearest
from unlearnbench.plugins import available, load
from unlearnbench.progress import OnProgress, ignore
from unlearnbench.protocol.prompting import check_by_protocol
from unlearnbench.runs.folder import default_folder
from unlearnbench.training.record import summary
from unlearnbench.types.options import EngineOptions, RunOptions

if TYPE_CHECKING:
    from unlearnbench.benchmark import Benchmark
    from unlearnbench.checkpoints.resolve import Checkpoint
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
    only: Sequence[str] = (),
    base: str | None = None,
    profile: str = "quick",
    judge: str | Judge | None = None,
    limit: int | None = None,
    seed: int = 0,
    max_cost: float | None = None,
    engine_options: EngineOptions = EngineOptions(),
    run_options: RunOptions = RunOptions(),
    on_progress: OnProgress = ignore,
) -> Attacked[FinishedStress]:
    """Test whether facts leak from a checkpoint in other ways, without training it.

    Example:
        >>> result = stress("trained/mine", "wkf", base="smollm2-135m")

    Args:
        checkpoint: Hub id, local folder, PEFT adapter folder, `.gguf` file, or alias.
        benchmark: Name of a shipped benchmark, a folder with one, or a loaded one.
        only: Names of the stress tests to run. Default: all that can be run.
        base: The model before unlearning. Tests that need it are left out without one, unless they
            are named.
        profile: `quick`, or `full` with more paraphrases and samples.
        judge: Name or object. Default: the benchmark's.
        limit: Only the first so many facts of each split; such a record is not ranked.
        seed: Seeds every draw.
        max_cost: US dollars that each paid judge may spend; the rest stays open.
        engine_options: How the checkpoint is run.
        run_options: Where the runs are stored.
        on_progress: Called with every report of progress and every finding.

    Returns:
        The folder and its record, which is also in `stress.json`.

    Raises:
        UnlearnbenchError: For every error that the caller can correct.
    """
    from unlearnbench.attacks.stress.suite import Suite, run_suite
    from unlearnbench.engines.transformers.loading import choose_device, choose_dtype

    if profile not in SCALES:
        raise PluginError(f"--profile {profile}: {nearest(profile, SCALES)}")
    check_by_protocol(engine_options, "stress")
    facts = _prepare(benchmark, run_options)
    tests = [load("stress", name)() for name in only or available("stress")]
    lacking = [test.name for test in tests if test.needs_base and base is None]
    if only and lacking:
        raise PluginError(f"stress test {lacking[0]} compares with the model before: give --base")
    device = choose_device(engine_options.device)
    subject, before = _resolved(checkpoint, base, engine_options)
    suite = Suite(
        tests=[test for test in tests if test.name not in lacking],
        checkpoint=subject,
        benchmark=facts,
        scale=replace(SCALES[profile], limit=limit),
        runner=_runner(checkpoint, facts, judge, max_cost, on_progress, forms=True),
        base=before,
        device=device,
        dtype=choose_dtype(engine_options.dtype, device),
        seed=seed,
        options=engine_options,
    )
    name = label("stress", facts.id, subject.label)
    folder = default_folder("runs", name, suite.identity.model_dump(), run_options)
    return Attacked(folder, run_suite(suite, folder))


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
        on_progress: Called with every report of progress and every point of a curve.

    Returns:
        The folder and its record, which is also in `relearn.json`.

    Raises:
        UnlearnbenchError: For every error that the caller can correct.
    """
    from unlearnbench.attacks.relearn.arms import expand_arms
    from unlearnbench.attacks.relearn.relearning import Relearning, run_relearning
    from unlearnbench.training.processes import all_agree, first_decides, in_turn, join

    if engine_options.dtype not in ("auto", "float32"):
        raise TrainingError(f"--dtype {engine_options.dtype}: relearning trains in float32")
    check_by_protocol(engine_options, "relearn")
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
    return Attacked(folder, run_relearning(job, folder))


def _prepare(
    benchmark: str | Benchmark, run_options: RunOptions, source: str | None = None
) -> Benchmark:
    check_folder_option("--out", Path(run_options.out or "runs"))
    if not isinstance(benchmark, str):
        return benchmark
    return load_benchmark(benchmark) if source is None else load_source(benchmark, source)


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
