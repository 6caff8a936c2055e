"""Score a checkpoint; judge a stored run again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, overload

from unlearnbench.api.engines import ENDPOINT, MakeEngine, engine_maker
from unlearnbench.api.run_utility import UtilityBeside, utility_beside
from unlearnbench.benchmark.sources import named_benchmark
from unlearnbench.errors import BenchmarkError
from unlearnbench.files.disk import check_folder_option
from unlearnbench.interfaces import Generator, Judge
from unlearnbench.naming import label
from unlearnbench.progress import OnProgress, ignore
from unlearnbench.protocol.plan import Plan, make_plan
from unlearnbench.protocol.profiles import Profile, get_profile
from unlearnbench.protocol.prompting import system_prompt_of
from unlearnbench.protocol.runner import Runner, identity_of
from unlearnbench.protocol.sampling import changed_settings
from unlearnbench.runs.base import check_base
from unlearnbench.runs.folder import default_folder
from unlearnbench.runs.identity import sampling_from
from unlearnbench.runs.run import Run, load_base
from unlearnbench.runs.several import Runs
from unlearnbench.training.record import summary
from unlearnbench.types import Setting
from unlearnbench.types.execution import ExecutorOptions
from unlearnbench.types.options import EngineOptions, RunOptions, UtilityOptions

if TYPE_CHECKING:
    from unlearnbench.benchmark import Benchmark


@overload
def score(  # type: ignore[overload-overlap]  # a text is no list of names
    checkpoint: str,
    benchmark: str | Benchmark = "wkf",
    *,
    profile: str | None = None,
    judge: str | Judge | None = None,
    engine: str | Generator = "transformers",
    source: str | None = None,
    limit: int | None = None,
    seed: int = 0,
    base: str | Path | None = None,
    max_cost: float | None = None,
    engine_options: EngineOptions = EngineOptions(),
    run_options: RunOptions = RunOptions(),
    executor_options: ExecutorOptions = ExecutorOptions(),
    utility_options: UtilityOptions = UtilityOptions(),
    on_progress: OnProgress = ignore,
) -> Run: ...


@overload
def score(
    checkpoint: str,
    benchmark: Sequence[str | Benchmark],
    *,
    profile: str | None = None,
    judge: str | Judge | None = None,
    engine: str | Generator = "transformers",
    source: str | None = None,
    limit: int | None = None,
    seed: int = 0,
    base: str | Path | None = None,
    max_cost: float | None = None,
    engine_options: EngineOptions = EngineOptions(),
    run_options: RunOptions = RunOptions(),
    executor_options: ExecutorOptions = ExecutorOptions(),
    utility_options: UtilityOptions = UtilityOptions(),
    on_progress: OnProgress = ignore,
) -> Runs: ...


def score(
    checkpoint: str,
    benchmark: str | Benchmark | Sequence[str | Benchmark] = "wkf",
    *,
    profile: str | None = None,
    judge: str | Judge | None = None,
    engine: str | Generator = "transformers",
    source: str | None = None,
    limit: int | None = None,
    seed: int = 0,
    base: str | Path | None = None,
    max_cost: float | None = None,
    engine_options: EngineOptions = EngineOptions(),
    run_options: RunOptions = RunOptions(),
    executor_options: ExecutorOptions = ExecutorOptions(),
    utility_options: UtilityOptions = UtilityOptions(),
    on_progress: OnProgress = ignore,
) -> Run | Runs:
    """Put a benchmark's questions to a checkpoint, judge the answers, and score them.

    Example:
        >>> run = score("smollm2-135m", "wkf", profile="quick")
        >>> run.scores["forget.worst_case"]

    Args:
        checkpoint: Hub id, local folder, PEFT adapter folder, `.gguf` file, or alias; for engine
            `endpoint` the server's name of the model.
        benchmark: Name of a shipped benchmark, a folder with one, or a loaded one; or several of
            these, each of which gets a run of its own with the model loaded once.
        profile: How facts become probes. Default: the benchmark's.
        judge: Name (`NAME` or `NAME:ARGUMENT`) or object. Default: the benchmark's.
        engine: Name, `endpoint:URL` for a server, or an object that answers probes itself.
        source: The authors' own files of `lkf`, `tofu`, `rwku` or `muse` instead of the rows that
            ship: `hub` or a folder.
        limit: Only the first so many facts of each split; such a run is not ranked.
        seed: Seeds the draw of in-context examples.
        base: Folder of a run of the model before unlearning; the findings then say what there was
            to forget.
        max_cost: US dollars that each paid judge may spend, on all benchmarks together; the rest
            stays open.
        engine_options: How the checkpoint is run.
        run_options: Where the run is stored; of several benchmarks, the folder above their runs.
        executor_options: Which processes answer: this one, or workers of a Ray cluster.
        utility_options: What is also measured of the model, once, into each run's `utility.json`.
        on_progress: Called with every report of progress.

    Returns:
        The run, or the runs of several benchmarks in their order. A run with open facts is returned
        like any other; its scores are intervals.

    Raises:
        UnlearnbenchError: For every error that the caller can correct.
    """
    beside = utility_beside(utility_options, engine, engine_options, executor_options, limit)
    call = _Call(
        checkpoint,
        profile,
        judge,
        source,
        limit,
        seed,
        base,
        max_cost,
        engine_options,
        on_progress,
        beside,
    )
    with engine_maker(engine, checkpoint, engine_options, executor_options) as make:
        if isinstance(benchmark, str) or not isinstance(benchmark, Sequence):
            run = call.score(named_benchmark(benchmark, source), make, run_options)
            call.measure(make, [run])
            return run
        runs = call.score_each(benchmark, make, run_options)
        call.measure(make, runs)
        return runs


@dataclass(frozen=True, slots=True)
class _Call:
    """The arguments of a call of `score` that are the same for each benchmark."""

    checkpoint: str
    profile: str | None
    judge: str | Judge | None
    source: str | None
    limit: int | None
    seed: int
    base: str | Path | None
    max_cost: float | None
    engine_options: EngineOptions
    on_progress: OnProgress
    beside: UtilityBeside | None

    def measure(self, engine: MakeEngine, runs: Sequence[Run]) -> None:
        """Measure the utility of the model once, if it is to be."""
        if self.beside is not None:
            before = None if self.base is None else load_base(self.base)
            self.beside.against(before).measure(engine(), runs)

    def score_each(
        self,
        benchmarks: Sequence[str | Benchmark],
        engine: MakeEngine,
        run_options: RunOptions,
    ) -> Runs:
        """One run per benchmark, by one engine. Faulty benchmarks raise before it is made."""
        if not benchmarks:
            raise BenchmarkError("no-benchmark", "score", "name one or more")
        if self.base is not None or self.source is not None:
            raise BenchmarkError("several", "--base, --source", "give them with one benchmark")
        facts = [named_benchmark(benchmark) for benchmark in benchmarks]
        counts = Counter(benchmark.id for benchmark in facts)
        repeated = [name for name, n in counts.items() if n > 1]
        if repeated:
            raise BenchmarkError("twice", repeated[0], "each benchmark is scored once a call")
        runs: list[Run] = []
        for loaded in facts:
            out = None if run_options.out is None else Path(run_options.out) / label(loaded.id)
            call = replace(self, max_cost=_left(self.max_cost, runs))
            runs.append(call.score(loaded, engine, replace(run_options, out=out)))
        return Runs(runs)

    def score(self, facts: Benchmark, engine: MakeEngine, run_options: RunOptions) -> Run:
        """The run of one benchmark; `engine` is called after all other checks."""
        # Judges take a while to import, which `--help` need not wait for.
        from unlearnbench.api.judges import judge_for

        check_folder_option("--out", Path(run_options.out or "runs"))
        before = None if self.base is None else load_base(self.base)
        profile = get_profile(self.profile or facts.profile)
        judging = judge_for(facts, self.judge, self.max_cost)
        gen = changed_settings(profile.max_new_tokens, self.engine_options.gen)
        generator = engine()
        if self.beside is not None:
            self.beside.against(before).check(generator)
        prompt = system_prompt_of(generator.info, self.engine_options, profile)
        plan = make_plan(
            facts, profile, generator.info.prompt_format, self.seed, self.limit, prompt
        )
        identity = {
            **_plan_identity(facts, profile, plan, self.seed, self.limit, gen),
            **identity_of(generator, judging, plan),
        }
        if before is not None:
            check_base(before, identity)
        name = label(facts.id, generator.info.checkpoint or "model")
        folder = default_folder("runs", name, identity, run_options)
        # A folder of that name here need not be what the server runs.
        served = generator.info.engine == ENDPOINT
        training = None if served else summary(Path(self.checkpoint), facts.fingerprint)
        runner = Runner(judging, training, self.on_progress)
        run = runner.run(folder, plan, generator, identity, sampling_from(identity))
        return run if before is None else run.against(before)


def _left(max_cost: float | None, runs: Sequence[Run]) -> float | None:
    """What paid judges may still spend; the judge of each run counted its own dollars."""
    if max_cost is None:
        return None
    usages = [run.record.judge.usage for run in runs]
    return max(0.0, max_cost - sum(usage.dollars or 0.0 for usage in usages if usage))


def _plan_identity(
    facts: Benchmark,
    profile: Profile,
    plan: Plan,
    seed: int,
    limit: int | None,
    gen: Mapping[str, Setting],
) -> dict[str, object]:
    return {
        "benchmark": facts.id,
        "benchmark_version": facts.version,
        "benchmark_fingerprint": facts.fingerprint,
        "answers": "sentences" if facts.sentences else "short",
        "profile": profile.name,
        "profile_fingerprint": profile.fingerprint,
        "plan": plan.fingerprint,
        "seed": seed,
        "limit": limit,
        "max_new_tokens": gen.get("max_new_tokens", profile.max_new_tokens),
        **({"gen": dict(gen)} if gen else {}),
        **({"private": True} if facts.private else {}),
        **_beyond_identity(facts, profile, seed),
    }


def _beyond_identity(facts: Benchmark, profile: Profile, seed: int) -> dict[str, object]:
    """The indirect questions that were asked and the draws, under a profile that has them."""
    if profile.beyond is None:
        return {}
    return {
        "indirect": facts.indirect_fingerprint,
        "sample_temperature": profile.beyond.temperature,
        "sampling_seed": seed,
    }
