"""Run a submission's checkpoint again, judge its answers again, and attest the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from unlearnbench.api.rejudging import rejudge
from unlearnbench.api.scoring import score
from unlearnbench.api.submissions import evidence, listed_judges, verify
from unlearnbench.errors import SubmissionError
from unlearnbench.files.disk import check_folder_option, drafting
from unlearnbench.interfaces import Generator
from unlearnbench.plugins import load
from unlearnbench.progress import OnProgress, ignore
from unlearnbench.runs.codec import completion_record
from unlearnbench.runs.folder import RunFolder
from unlearnbench.runs.stored import load_finished
from unlearnbench.submissions.attestations import (
    Attested,
    attestations_of,
    attested,
    check_attestation,
)
from unlearnbench.submissions.bundle import (
    attestation_files,
    check_free,
    kind_of,
    write_folder,
)
from unlearnbench.submissions.fields import slugged
from unlearnbench.submissions.reproduction import Rerun, compare_rerun
from unlearnbench.submissions.verify import Checked
from unlearnbench.types.options import EngineOptions, RunOptions


def rerun(
    folder: str | Path,
    checkpoint: str,
    *,
    device: str = "auto",
    run_options: RunOptions = RunOptions(),
    on_progress: OnProgress = ignore,
    bases: str | Path | None = None,
) -> Rerun:
    """Ask a submission's checkpoint again, here, in the precision claimed, and compare.
    Raises `SubmissionError` if the submission does not
       stand or `checkpoint` is not the very one that was submitted.
    """
    row = _accepted(folder, bases)
    identity = row.claim.run.identity
    options = EngineOptions(device=device, dtype=identity.dtype)
    engine_info = cast(Generator, load("engines", identity.engine)(checkpoint, options)).info
    if engine_info.fingerprint != identity.checkpoint:
        raise SubmissionError(
            f"--rerun {checkpoint}: its fingerprint is {engine_info.fingerprint[:12]}…, not "
            f"{identity.checkpoint[:12]}… of {folder}; it is another checkpoint"
        )
    run = score(
        checkpoint,
        identity.benchmark,
        profile=identity.profile,
        judge=identity.judge,
        engine=identity.engine,
        engine_options=options,
        seed=identity.seed,
        run_options=run_options,
        on_progress=on_progress,
    )
    return compare_rerun(row.run, run)


def rejudge_submission(
    folder: str | Path,
    judge: str,
    *,
    max_cost: float | None = None,
    run_options: RunOptions = RunOptions(),
    on_progress: OnProgress = ignore,
    bases: str | Path | None = None,
) -> Rerun:
    """Judge a submission's answers again, by another judge, without a model, and compare.

    Raises `SubmissionError` if the submission is refused, `JudgeError` for a judge that cannot be
    made.
    """
    row = _accepted(folder, bases)
    with TemporaryDirectory() as temporary:
        stored = _as_run(row, Path(temporary) / row.folder.name)
        run = rejudge(
            stored, judge, max_cost=max_cost, run_options=run_options, on_progress=on_progress
        )
    return compare_rerun(row.run, run)


def attest(
    folder: str | Path,
    runs: Sequence[str | Path],
    by: str,
    *,
    link: str = "",
    out: str | Path | None = None,
    bases: str | Path | None = None,
) -> Attested:
    """Write an attestation by `by` about a submission: one run of it, or relearn and stress runs.

    `out` defaults to a folder that the board reads, `attestations/<row>/<by>-<kind>` beside
    `submissions/`. The attestation is checked before it is returned. Raises `SubmissionError` with
    the reasons why it would not count.
    """
    row = _accepted(folder, bases)
    score_runs, attacks = evidence(runs)
    if len(score_runs) + bool(attacks) != 1:
        raise SubmissionError(
            "give one score run, or relearn and stress runs: one attestation each"
        )
    run = load_finished(score_runs[0]) if score_runs else None
    target = (
        Path(out) if out is not None else attestations_of(row.folder) / slugged(by, kind_of(run))
    )
    check_folder_option("--out", target)
    files = attestation_files(row, run, attacks, by, link)
    if not check_free(target, files):
        return _counting(target, row)
    with drafting(target) as draft:
        attestation = _counting(write_folder(draft, files), row)
    return replace(attestation, folder=target)


def _counting(folder: Path, row: Checked) -> Attested:
    attestation = check_attestation(folder, row, listed_judges())
    if not attestation.ok:
        raise SubmissionError(f"this would not count: {attestation.reasons[0]}")
    return attestation


def attestations(row: Checked) -> list[Attested]:
    """The attestations of a submission, from `attestations/<row>/` beside `submissions/`."""
    return attested(row, listed_judges())


def _accepted(folder: str | Path, bases: str | Path | None) -> Checked:
    (verification,) = verify([folder], bases=bases)
    if verification.checked is None or not verification.ok:
        raise SubmissionError(f"{folder}: is refused: {verification.reasons[0]}")
    return verification.checked


def _as_run(row: Checked, path: Path) -> Path:
    """The submission's run as a run folder, which a judge can be given."""
    run = row.run
    path.mkdir()
    folder = RunFolder(path)
    folder.begin(run.probes, run.record)
    folder.completions.append(completion_record(row.completions[p.key]) for p in run.probes)
    return path
