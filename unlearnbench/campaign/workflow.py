"""Hand the jobs to Snakemake, which runs those without a result here or on a cluster.

Snakemake is called as a program: it may lie in an environment of its own (its requirements exclude
some of ours), and the jobs run in this one.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from unlearnbench.campaign.jobs import CampaignJob, wire
from unlearnbench.errors import CampaignError, MissingExtraError
from unlearnbench.files.disk import write_atomically, writing

SNAKEFILE = Path(__file__).with_name("Snakefile")
_JOBS, _DONE = "jobs.json", "done"
_SHOWN = ("--quiet", "rules", "host")
"""Of Snakemake's own output, what is left out: jobs, progress and errors are shown."""


def write_jobs(jobs: Sequence[CampaignJob], out: Path) -> None:
    """Write what the workflow reads, and take away the marks of jobs whose result is gone.

    Raises `RunError` if the folder cannot be written.
    """
    with writing(out):
        (out / _DONE).mkdir(parents=True, exist_ok=True)
        for job in jobs:
            if not (out / job.record).is_file():
                (out / _DONE / job.key).unlink(missing_ok=True)
    write_atomically(out / _JOBS, json.dumps(wire(jobs), indent=1, ensure_ascii=False) + "\n")


def is_done(job: CampaignJob, out: Path) -> bool:
    """Whether the job has ended well: with nothing open, and its result is there."""
    return (out / _DONE / job.key).is_file() and (out / job.record).is_file()


def log_of(job: CampaignJob, out: Path) -> Path:
    """The file with what the job's command printed."""
    return out / "logs" / f"{job.key}.log"


def run_workflow(out: Path, at_once: int, options: str = "", quiet: bool = False) -> bool:
    """Run the jobs without a result, `at_once` at a time; True if all have ended well.

    `options` are Snakemake's own, as they would be typed (an executor, a profile, resources); they
    go last, so that they override these. Jobs that fail do not stop the others. Raises
    `MissingExtraError` without Snakemake, `CampaignError` for options that cannot be split.
    """
    program = _snakemake()
    try:
        more = shlex.split(options)
    except ValueError as error:
        raise CampaignError(f"--snakemake {options}: {error}") from error
    command = [program, "--snakefile", str(SNAKEFILE)]
    command += ["--directory", str(out), "--cores", str(at_once), "--jobs", str(at_once)]
    # What is finished is said by the marks alone: names of jobs follow from their contents.
    command += ["--keep-going", "--nolock", "--rerun-incomplete", "--rerun-triggers", "mtime"]
    command += ["--config", f"python={sys.executable}"]
    command += ["--quiet", "all"] if quiet else _SHOWN
    return _run([*command, *more]) == 0


def _snakemake() -> str:
    """The program, beside this Python or on the path. Raises `MissingExtraError`."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which("snakemake", path=beside) or shutil.which("snakemake")
    if found is None:
        raise MissingExtraError(
            "snakemake is needed for a campaign and is not on the path; install it in an "
            "environment of its own: pipx install snakemake"
        )
    return found


def _run(command: Sequence[str]) -> int:
    """The exit code of a command that shows its output on standard error.

    It ends with this process, if that is interrupted.
    """
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno())
    try:
        return process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise
