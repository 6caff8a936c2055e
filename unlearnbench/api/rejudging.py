"""Judge a stored run's answers again, and say beforehand what it would take."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from unlearnbench.files.disk import check_folder_option
from unlearnbench.interfaces import Generator, Judge, PaidJudge
from unlearnbench.naming import label
from unlearnbench.plugins import load
from unlearnbench.progress import OnProgress, ignore
from unlearnbench.protocol.plan import Plan
from unlearnbench.protocol.runner import Runner, identity_of
from unlearnbench.runs.folder import RunFolder, default_folder
from unlearnbench.runs.identity import sampling_from
from unlearnbench.runs.judging import to_judge
from unlearnbench.runs.run import Run
from unlearnbench.runs.utility import UTILITY_FILE, utility_of, write_utility
from unlearnbench.types import Estimate
from unlearnbench.types.execution import ExecutorOptions
from unlearnbench.types.options import EngineOptions, RunOptions


def rejudge(
    run: str | Path,
    judge: str | Judge,
    *,
    max_cost: float | None = None,
    batch: bool = False,
    run_options: RunOptions = RunOptions(),
    executor_options: ExecutorOptions = ExecutorOptions(),
    on_progress: OnProgress = ignore,
) -> Run:
    """Judge a stored run's answers again, without its model, and store the result as a new run.

    Example:
        >>> again = rejudge("runs/wkf-mine-1a2b3c4d", "gemini", max_cost=2.0)

    Args:
        run: Folder of the run.
        judge: Name (`NAME` or `NAME:ARGUMENT`) or object.
        max_cost: US dollars that each paid judge may spend; the rest stays open.
        batch: Send a paid judge's calls as one batch job, where its provider supports that.
        run_options: Where the new run is stored.
        executor_options: Which processes run the model of a local judge: this one, or workers of a
            Ray cluster.
        on_progress: Called with every report of progress.

    Returns:
        The new run.

    Raises:
        UnlearnbenchError: For every error that the caller can correct.
    """
    from unlearnbench.api.judges import judge_again, local_models

    check_folder_option("--out", Path(run_options.out or "runs"))
    stored = RunFolder(Path(run))
    record = stored.record()
    record.check("judged again", stored.path)
    stored_identity = record.identity.model_dump()
    plan = Plan(stored.probes())
    # The model is the same, whoever judges its answers.
    utility = utility_of(stored.path, record.identity.checkpoint)
    with local_models(executor_options) as local:
        form = stored_identity["answers"]
        judging = judge_again(form, plan.probes, judge, max_cost, batch, local)
        generator = cast(Generator, load("engines", "replay")(str(run), EngineOptions()))
        identity = {
            **{field: stored_identity[field] for field in _PLAN_FIELDS if field in stored_identity},
            **identity_of(generator, judging, plan),
        }
        name = label(stored_identity["benchmark"], generator.info.checkpoint or "model")
        folder = default_folder("runs", name, identity, run_options)
        sampling = sampling_from(stored_identity)
        made = Runner(judging, None, on_progress).run(folder, plan, generator, identity, sampling)
    if utility is not None:
        write_utility(utility, made.path / UTILITY_FILE)
    return made


def estimate(run: str | Path, judge: str | Judge) -> Estimate:
    """Estimate the cost of judging a stored run again; makes no calls and leaves the run unchanged.

    Example:
        >>> estimate("runs/wkf-mine-1a2b3c4d", "gemini").dollars

    Args:
        run: Folder of the run.
        judge: Name or object.

    Returns:
        Calls, tokens and US dollars; zero for a judge that costs nothing.

    Raises:
        UnlearnbenchError: For every error that the caller can correct.
    """
    from unlearnbench.api.judges import judge_again
    from unlearnbench.runs.stored import load_answered

    stored = load_answered(run)
    form = str(stored.record.score_identity.answers)
    judging = judge_again(form, stored.probes, judge, None)
    items = [
        item
        for block in Plan(stored.probes).blocks()
        for item in to_judge(block, stored.completions, {})
    ]
    if not isinstance(judging, PaidJudge):
        return Estimate(0, len(items), 0, 0, 0, 0.0)
    judging.keep_in(None)
    return judging.estimate(items)


_PLAN_FIELDS = (
    "benchmark",
    "benchmark_version",
    "benchmark_fingerprint",
    "answers",
    "profile",
    "profile_fingerprint",
    "plan",
    "seed",
    "limit",
    "max_new_tokens",
    "gen",
    "private",
    "indirect",
    "sample_temperature",
    "sampling_seed",
)
"""Fields of a run's identity that describe its plan; they do not depend on the judge."""
