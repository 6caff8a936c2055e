"""What the command line and Python users call: score a checkpoint, judge a run again."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from typing import Any, cast

from unlearnbench.benchmark import load_benchmark
from unlearnbench.benchmark.sources import load_source
from unlearnbench.disk import check_folder_option
from unlearnbench.environment import versions
from unlearnbench.errors import RunError
from unlearnbench.hashing import sha256_json
from unlearnbench.interfaces import Generator, Judge, PaidJudge
from unlearnbench.naming import label
from unlearnbench.plugins import load
from unlearnbench.protocol.evaluate import Advance, Job, evaluate, prompts_of
from unlearnbench.protocol.judging import to_judge
from unlearnbench.protocol.plan import Plan, make_plan
from unlearnbench.protocol.profiles import get_profile
from unlearnbench.runs.base import check_base
from unlearnbench.runs.folder import RunFolder
from unlearnbench.runs.run import Run, load_base, load_run
from unlearnbench.scoring.scores import bounds_record
from unlearnbench.training.record import summary
from unlearnbench.types import EngineOptions, Estimate, Sampling, Score

Observe = Callable[[Path, int], Advance]
"""Told the run's folder and its number of probes; returns what to tell of the progress."""


def score(
    checkpoint: str,
    benchmark: str = "wkf",
    *,
    profile: str | None = None,
    judge: str | None = None,
    engine: str = "transformers",
    options: EngineOptions = EngineOptions(),
    source: str | None = None,
    limit: int | None = None,
    seed: int = 0,
    base: str | Path | None = None,
    max_cost: float | None = None,
    out: str | Path | None = None,
    resume: bool = True,
    observe: Observe | None = None,
) -> Run:
    """Put a benchmark's questions to a checkpoint, judge the answers, and score them.

    `profile` and `judge` default to the benchmark's. `out` is the run's folder (default: below
    `runs/`, named by content, so that the same call resumes its own run). `limit` takes the first
    so many facts of each split. `source` (`hub`, or a folder with its files) takes the authors' own
    LKF instead of the rows that ship. `base` is the folder of a run of the model before unlearning;
    the findings then say what there was to forget. `max_cost` limits a paid judge's US dollars.
    Raises `UnlearnbenchError` for whatever the caller can mend;
    a run that ends with open facts is returned like any other and its scores are intervals.
    """
    # Judges and shapes take a while to import, which a call for help need not wait for.
    from unlearnbench.api.judges import judge_for

    check_folder_option("--out", Path(out or "runs"))
    before = None if base is None else load_base(base)
    facts = load_benchmark(benchmark) if source is None else load_source(benchmark, source)
    asked = get_profile(profile or facts.profile)
    form = "sentences" if facts.sentences else "short"
    judging = judge_for(facts, judge, max_cost)
    generator = cast(Generator, load("engines", engine)(checkpoint, options))
    plan = make_plan(facts, asked, generator.info.prompt_format, seed, limit)
    identity = {
        "benchmark": facts.id,
        "benchmark_version": facts.version,
        "benchmark_fingerprint": facts.fingerprint,
        "answers": form,
        "profile": asked.name,
        "profile_fingerprint": asked.fingerprint,
        "plan": plan.fingerprint,
        "seed": seed,
        "limit": limit,
        "max_new_tokens": asked.max_new_tokens,
    }
    if before is not None:
        check_base(before, {**identity, **_who(generator, judging)})
    where = Path(out) if out is not None else None
    training = summary(Path(checkpoint), facts.fingerprint)
    run = _run(plan, identity, generator, judging, where, resume, observe, training)
    return run if before is None else run.against(before)


def rejudge(
    run: str | Path,
    judge: str,
    *,
    max_cost: float | None = None,
    batch: bool = False,
    out: str | Path | None = None,
    resume: bool = True,
    observe: Observe | None = None,
) -> Run:
    """Judge a stored run's answers again, without a model, into a run folder of its own.

    `batch` sends a paid judge's calls as one job, where its provider takes jobs.
    """
    from unlearnbench.api.judges import judge_again
    from unlearnbench.runs.manifest import Answered, check_manifest

    check_folder_option("--out", Path(out or "runs"))
    stored = RunFolder(Path(run))
    manifest = stored.manifest()
    check_manifest(Answered, manifest, stored.path)
    kept = manifest["identity"]
    probes = stored.probes()
    judging = judge_again(kept["answers"], probes, judge, max_cost, batch)
    generator = cast(Generator, load("engines", "replay")(str(run), EngineOptions()))
    about_plan = ("benchmark", "benchmark_version", "benchmark_fingerprint", "answers", "profile")
    about_asking = ("profile_fingerprint", "plan", "seed", "limit", "max_new_tokens")
    identity = {field: kept[field] for field in (*about_plan, *about_asking)}
    where = Path(out) if out is not None else None
    return _run(Plan(probes), identity, generator, judging, where, resume, observe)


def estimate(run: str | Path, judge: str) -> Estimate:
    """What judging a stored run's answers would take; nobody is asked and the run is left alone.

    Raises like `rejudge`.
    """
    from unlearnbench.api.judges import judge_again
    from unlearnbench.runs.stored import load_answered

    stored = load_answered(run)
    answers = stored.manifest["identity"]["answers"]
    judging = judge_again(answers, stored.probes, judge, None)
    items = [
        item
        for block in Plan(stored.probes).blocks()
        for item in to_judge(block, stored.completions, {})
    ]
    if not isinstance(judging, PaidJudge):
        return Estimate(0, len(items), 0, 0, 0, 0.0)
    judging.keep_in(None)
    return judging.estimate(items)


def _run(
    plan: Plan,
    identity: Mapping[str, Any],
    generator: Generator,
    judge: Judge,
    out: Path | None,
    resume: bool,
    observe: Observe | None,
    training: Mapping[str, Any] | None = None,
) -> Run:
    """Carry a plan out in its folder and close the folder's manifest."""
    who = {**_who(generator, judge), **prompts_of(generator, plan.probes)}
    folder = RunFolder(out or _default_folder({**identity, **who}, generator, resume))
    if folder.exists():
        if not resume:
            raise RunError(f"{folder.path} holds a run already; --no-resume needs another --out")
        generator.adopt(folder.settings())
    settings = dict(generator.info.settings)
    manifest = _manifest({**identity, **who, **settings}, generator, judge)
    if training is not None:
        manifest["training"] = dict(training)
    advance = observe(folder.path, len(plan.probes)) if observe else lambda stage, done: None
    began = time.monotonic()
    if isinstance(judge, PaidJudge):
        judge.keep_in(folder.path)
    sampling = Sampling(identity["max_new_tokens"])
    evaluate(Job(plan, generator, judge, sampling, folder, manifest), advance)
    return _close(folder, generator, judge, time.monotonic() - began)


def _who(generator: Generator, judge: Judge) -> dict[str, Any]:
    """The part of a run's identity that says who answers and who judges."""
    settings = generator.info.settings
    return {
        "engine": generator.info.engine,
        "checkpoint": generator.info.fingerprint,
        "prompt_format": generator.info.prompt_format,
        "dtype": settings.get("dtype"),
        **{name: settings[name] for name in ("thinking", "think_tokens") if name in settings},
        "judge": judge.name,
        "judge_identity": judge.identity,
    }


def _default_folder(identity: Mapping[str, Any], generator: Generator, resume: bool) -> Path:
    """`runs/<benchmark>-<model>-<8 hex>`; without resuming, the first such name that is free."""
    name = label(identity["benchmark"], generator.info.checkpoint or "model")
    first = Path("runs") / f"{name}-{sha256_json(dict(identity))[:8]}"
    if resume:
        return first
    numbered = (first.with_name(f"{first.name}.{number}") for number in count(2))
    return next(path for path in chain([first], numbered) if not path.exists())


def _manifest(identity: Mapping[str, Any], generator: Generator, judge: Judge) -> dict[str, Any]:
    return {
        "identity": dict(identity),
        "generator": asdict(generator.info),
        "judge": {"name": judge.name, "identity": judge.identity},
        "versions": versions(),
        "platform": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _close(folder: RunFolder, generator: Generator, judge: Judge, seconds: float) -> Run:
    """Write the scores, what was spent and how the run ended into `run.json`."""
    run = load_run(folder.path)
    manifest = {key: value for key, value in run.manifest.items() if key != "schema_version"}
    manifest["status"] = "open" if run.n_open else "complete"
    manifest["generator"] = asdict(generator.info)
    if isinstance(judge, PaidJudge):
        manifest["judge"] = {**manifest["judge"], "usage": asdict(judge.usage)}
    manifest["scores"] = {name: score_record(s) for name, s in run.scores.items()}
    manifest["seconds"] = round(manifest.get("seconds", 0.0) + seconds, 1)
    manifest["finished"] = datetime.now(UTC).isoformat(timespec="seconds")
    folder.write_manifest(manifest)
    return load_run(folder.path)


def score_record(score: Score) -> dict[str, Any]:
    """A score as JSON; `value` is null while it is an interval."""
    return {
        "value": None if score.n_open else score.value,
        **bounds_record(score),
    }
