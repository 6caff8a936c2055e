"""Make everything that a plan names: base runs, trainings, scores and attacks."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnbench.benchmark import Benchmark
from unlearnbench.benchmark.editions import benchmark_names
from unlearnbench.benchmark.sources import named_benchmark
from unlearnbench.campaign.jobs import CampaignJob, PlannedContents, jobs_of
from unlearnbench.campaign.plan import read_plan, trainings
from unlearnbench.campaign.results import CampaignRow, campaign_rows, result_folders, write_table
from unlearnbench.campaign.schema import PlanFile
from unlearnbench.campaign.workflow import is_done, log_of, run_workflow, write_jobs
from unlearnbench.checkpoints.aliases import ALIASES
from unlearnbench.environment import versions
from unlearnbench.errors import CampaignError
from unlearnbench.files.disk import check_folder_option
from unlearnbench.plugins import available, load
from unlearnbench.runs.lock import locked
from unlearnbench.types.options import TrainOptions

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Campaign:
    """What a campaign has come to.

    `folder` holds `table.csv`, `report.html`, `trained/`, `runs/` and `logs/`. `unfinished` are the
    jobs that have not ended well, each with the file that holds what its command printed; None for
    one that was not started because a job that it needs has not ended well.
    """

    folder: Path
    rows: tuple[CampaignRow, ...]
    done: int
    total: int
    unfinished: tuple[tuple[str, Path | None], ...]

    def to_pandas(self) -> pd.DataFrame:
        """One row per checkpoint."""
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.rows])


def campaign(
    plan: str | Path,
    out: str | Path | None = None,
    *,
    jobs: int = 1,
    snakemake: str = "",
    quiet: bool = False,
) -> Campaign:
    """Make all that a plan names and has no result yet: base runs, trainings, scores, attacks.

    The work is done by Snakemake, here or by any of its executors (Slurm, Kubernetes, …). Results
    are named by what decides them, so a finished job is never run again, whatever else of the plan
    changes; one that was cut off goes on where it was.

    Example:
        >>> from unlearnbench.api.campaign import campaign
        >>> result = campaign("plan.toml", jobs=2)
        >>> result.to_pandas()[["method", "settings", "worst_case", "retain"]]

    Args:
        plan: A TOML file; docs/CAMPAIGNS.md says what it may hold.
        out: The folder of all results. Default: `campaigns/` and the plan's name.
        jobs: Jobs at once.
        snakemake: More options of Snakemake, as they would be typed.
        quiet: Show nothing of Snakemake.

    Returns:
        The table of all checkpoints, and the jobs that have not ended well.

    Raises:
        CampaignError: For a plan with a fault, found before anything is run.
        MissingExtraError: Without the program `snakemake`.
        UnlearnbenchError: For a model, benchmark, method or setting that is not there.
    """
    path = Path(plan)
    parts = _absolute(read_plan(path))
    folder = Path(out) if out is not None else Path("campaigns") / path.stem
    check_folder_option("--out", folder)
    planned = jobs_of(parts, _subject(parts))
    with locked(folder):
        write_jobs(planned, folder)
        if not all(is_done(job, folder) for job in planned):
            run_workflow(folder, jobs, snakemake, quiet)
        return _result(planned, folder)


def _absolute(plan: PlanFile) -> PlanFile:
    """The plan with its paths in full, since jobs run in the campaign's folder.

    What is known by name stays a name, even where a folder is called so, as in every command.
    """
    from unlearnbench.judging.llm.definition import definition_names

    judges = {*available("judges"), *definition_names()}
    parts = {
        name: part.model_copy(update={"judge": part.judge and _full(part.judge, judges)})
        for name in ("score", "stress", "relearn")
        if (part := getattr(plan, name)) is not None
    }
    models = [_full(model, ALIASES) for model in plan.models]
    benchmark = plan.benchmark if plan.source else _full(plan.benchmark, benchmark_names())
    source = plan.source and _full(plan.source, ("hub",))
    named = {"models": models, "benchmark": benchmark, "source": source}
    return plan.model_copy(update={**parts, **named})


def _full(name: str, known: Container[str]) -> str:
    path = Path(name).expanduser()
    return str(path.resolve()) if name not in known and path.exists() else name


def _subject(plan: PlanFile) -> PlannedContents:
    """The contents behind the plan's names, and a check of all that can be checked now."""
    from unlearnbench.api.training import check_training
    from unlearnbench.checkpoints.resolve import resolve

    benchmark = named_benchmark(plan.benchmark, plan.source)
    for training in trainings(plan):
        settings: dict[str, str | bool | int | float] = dict(training.settings)
        options = TrainOptions(preset=training.preset, seed=training.seed, settings=settings)
        check_training(training.method, options)
    _check_parts(plan, benchmark)
    models = {model: resolve(model).fingerprint for model in plan.models}
    program = str(versions()["unlearnbench"])
    return PlannedContents(plan.benchmark, benchmark.fingerprint, models, program, plan.source)


def _check_parts(plan: PlanFile, benchmark: Benchmark) -> None:
    """Raise for a profile, judge or arm that does not exist."""
    from unlearnbench.attacks.relearn.arms import expand_arms
    from unlearnbench.protocol.profiles import get_profile

    if plan.score.profile is not None:
        get_profile(plan.score.profile)
    load("engines", plan.score.engine)
    if plan.relearn is not None:
        expand_arms(plan.relearn.arms, benchmark)
    if not plan.train and (plan.stress or plan.relearn):
        raise CampaignError("stress and relearn are of trained checkpoints: give a [[train]]")


def _result(planned: tuple[CampaignJob, ...], folder: Path) -> Campaign:
    from unlearnbench.api.reports import report

    rows = campaign_rows(planned, folder)
    write_table(rows, folder / "table.csv")
    runs = result_folders(planned, folder)
    if runs:
        report(runs, folder / "report.html")
    logs = {job.key: log_of(job, folder) for job in planned if not is_done(job, folder)}
    unfinished = tuple((key, log if log.is_file() else None) for key, log in logs.items())
    return Campaign(folder, rows, len(planned) - len(logs), len(planned), unfinished)
