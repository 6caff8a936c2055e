"""Say which forget facts a model knows, and keep those as a benchmark of their own."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from unlearnbench.api.scoring import score
from unlearnbench.benchmark.sources import named_benchmark
from unlearnbench.benchmark.subset import Selection, check_rows_there, write_subset
from unlearnbench.errors import RunError
from unlearnbench.files.disk import check_folder_option
from unlearnbench.hashing import sha256_json
from unlearnbench.interfaces import Generator, Judge
from unlearnbench.progress import OnProgress, ignore
from unlearnbench.runs.attacks import attack_kind
from unlearnbench.runs.known import RULES, Keep, Knowledge
from unlearnbench.runs.run import Run
from unlearnbench.runs.stored import load_judged
from unlearnbench.scoring.scores import HEADLINE
from unlearnbench.types.execution import ExecutorOptions
from unlearnbench.types.options import EngineOptions, RunOptions

if TYPE_CHECKING:
    from unlearnbench.benchmark import Benchmark

_DEFAULT = "wkf"
_MAKING = (
    *("profile", "judge", "engine", "source", "limit", "seed", "max_cost"),
    *("engine_options", "run_options", "executor_options"),
)
"""What decides how a run is made, which is settled where there is one."""


def known(
    checkpoint: str | Path,
    benchmark: str | Benchmark | None = None,
    *,
    keep: Keep | None = None,
    out: str | Path | None = None,
    profile: str | None = None,
    judge: str | Judge | None = None,
    engine: str | Generator = "transformers",
    source: str | None = None,
    limit: int | None = None,
    seed: int = 0,
    max_cost: float | None = None,
    engine_options: EngineOptions = EngineOptions(),
    run_options: RunOptions = RunOptions(),
    executor_options: ExecutorOptions = ExecutorOptions(),
    on_progress: OnProgress = ignore,
) -> Knowledge:
    """Say which forget facts a model answers, and in which paraphrases and contexts.

    A fact that was never known cannot be forgotten. The model is scored like any other, and its run
    is the base to give to `score(..., base=...)` later.

    Example:
        >>> known("smollm2-135m", "wkf", keep="known", out="benchmarks/mine").subset

    Args:
        checkpoint: The model before unlearning, as `score` takes it, or the folder of a run of it:
            then no model is needed, and nothing but `benchmark`, `keep` and `out` can be given.
        benchmark: Name, folder, or a loaded one. Default: `wkf`, or that of the run.
        keep: Write a benchmark of the facts that were answered in any way (`known`), or to the
            original question (`original`).
        out: Folder of that benchmark; it must not exist.
        profile: How facts become probes. Default: the benchmark's.
        judge: Name (`NAME` or `NAME:ARGUMENT`) or object. Default: the benchmark's.
        engine: Name, `endpoint:URL` for a server, or an object that answers probes itself.
        source: The authors' own files of `lkf`, `tofu`, `rwku` or `muse`; their facts cannot be
            kept.
        limit: Only the first so many facts of each split; such facts cannot be kept.
        seed: Seeds the draw of in-context examples.
        max_cost: US dollars that each paid judge may spend; the rest stays open.
        engine_options: How the checkpoint is run.
        run_options: Where the run is stored.
        executor_options: Which processes answer: this one, or workers of a Ray cluster.
        on_progress: Called with every report of progress.

    Returns:
        What is known of each fact. While facts are open that the rule has to decide on, nothing is
        written and `subset` is None.

    Raises:
        UnlearnbenchError: For every error that the caller can correct, a subset without a fact
            among them.
    """
    folder = _checked_out(keep, out)
    making = (profile, judge, engine, source, limit, seed, max_cost)
    options = (engine_options, run_options, executor_options)
    run = _stored(Path(checkpoint), dict(zip(_MAKING, (*making, *options), strict=True)))
    if run is None:
        facts = named_benchmark(benchmark or _DEFAULT, source)
        if folder is not None:
            _check_whole(facts, limit)
        run = score(
            str(checkpoint),
            facts,
            profile=profile,
            judge=judge,
            engine=engine,
            limit=limit,
            seed=seed,
            max_cost=max_cost,
            engine_options=engine_options,
            run_options=run_options,
            executor_options=executor_options,
            on_progress=on_progress,
        )
    elif benchmark is not None or folder is not None:
        facts = named_benchmark(benchmark or run.record.score_identity.benchmark, None)
        _check_same(run, facts)
    knowledge = Knowledge(run)
    if HEADLINE not in run.scores:
        raise RunError(f"{run.path}: no forget fact was asked in it")
    if folder is None or keep is None or knowledge.unsure(keep):
        return knowledge
    _check_whole(facts, run.record.score_identity.limit)
    return replace(knowledge, subset=_keep(knowledge, facts, keep, folder))


def _checked_out(keep: Keep | None, out: str | Path | None) -> Path | None:
    """Where the subset goes, if there is to be one. Raises `RunError`."""
    if keep is None and out is None:
        return None
    if keep is None or out is None:
        missing = "--keep" if keep is None else "--out"
        raise RunError(f"{missing} is missing: --keep says which facts to keep, --out where")
    if keep not in get_args(Keep):
        raise RunError(f"--keep {keep}: {' or '.join(get_args(Keep))}")
    if os.path.lexists(out):
        raise RunError(f"--out {out} exists already; choose another, or remove it")
    check_folder_option("--out", Path(out))
    return Path(out)


def _stored(folder: Path, settings: Mapping[str, object]) -> Run | None:
    """The run in a folder; None if it is no run's, and so names a checkpoint. Raises `RunError`."""
    if folder == Path():  # a server's model is named by an option
        return None
    if kind := attack_kind(folder):
        raise RunError(f"{folder} is a {kind} run; give a run of score, or a checkpoint")
    if not any((folder / name).is_file() for name in ("run.json", "probes.jsonl")):
        return None
    plain = inspect.signature(known).parameters
    given = [
        name.replace("_", " ") for name, value in settings.items() if value != plain[name].default
    ]
    if given:
        raise RunError(
            f"{folder} is a run, which is read as it is: {', '.join(given)} cannot change it; give "
            "the checkpoint instead"
        )
    return load_judged(folder)


def _check_same(run: Run, facts: Benchmark) -> None:
    """See that a run is of this benchmark. Raises `RunError` with the difference."""
    identity = run.record.score_identity
    if identity.benchmark_fingerprint == facts.fingerprint:
        return
    theirs = f"{identity.benchmark} {identity.benchmark_version}"
    mine = f"{facts.id} {facts.version}"
    how = f"{theirs}, not {mine}" if theirs != mine else f"{mine} with other rows"
    raise RunError(f"{run.path} is a run of {how}; give its own benchmark by --benchmark")


def _check_whole(facts: Benchmark, limit: int | None) -> None:
    """See that every fact is asked, and that rows can be kept. Raises before a model is loaded."""
    if limit is not None:
        raise RunError("--keep needs a run that asks every fact; leave --limit away")
    check_rows_there(facts)


def _keep(knowledge: Knowledge, facts: Benchmark, keep: Keep, out: Path) -> Path:
    """Write the subset. Raises `RunError` if no fact is left."""
    run, kept = knowledge.run, knowledge.kept(keep)
    identity = run.record.score_identity
    name = run.record.generator.checkpoint
    if not kept:
        raise RunError(
            f"none of the {len(knowledge.facts)} forget facts was {RULES[keep]} by {name}: there "
            f"is nothing to forget, and no subset was written; its run is {run.path}"
        )
    record = {
        "rule": RULES[keep],
        "known_by": {"checkpoint": name, "fingerprint": identity.checkpoint},
        "judge": {"name": identity.judge, "identity": identity.judge_identity},
        "profile": {"name": identity.profile, "fingerprint": identity.profile_fingerprint},
        "run": {
            "fingerprint": sha256_json(identity.model_dump(mode="json")),
            "identity": identity.model_dump(mode="json"),
        },
    }
    return write_subset(facts, Selection(kept, name, keep, record), out).folder
