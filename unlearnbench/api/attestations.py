"""Run a submission's checkpoint again, judge its answers again, and attest the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from unlearnbench.api.engines import engine_again
from unlearnbench.api.rejudging import rejudge
from unlearnbench.api.scoring import score
from unlearnbench.api.submissions import evidence, listed_judges, verify
from unlearnbench.api.utility import measure_utility
from unlearnbench.display import listed
from unlearnbench.errors import SubmissionError
from unlearnbench.files.disk import check_folder_option, drafting
from unlearnbench.progress import OnProgress, ignore
from unlearnbench.runs.codec import completion_record
from unlearnbench.runs.folder import RunFolder
from unlearnbench.runs.run import Run
from unlearnbench.runs.schema import utc_now
from unlearnbench.runs.stored import load_finished
from unlearnbench.runs.utility import UTILITY_FILE, write_utility
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
from unlearnbench.submissions.doubts import PARTS, different_parts
from unlearnbench.submissions.fields import slugged
from unlearnbench.submissions.reproduction import Rerun, compare_rerun
from unlearnbench.submissions.sample import sample_days
from unlearnbench.submissions.schema import SurroundingsClaim
from unlearnbench.submissions.utility_rerun import rerun_of_utility
from unlearnbench.submissions.verify import Checked, Verification
from unlearnbench.types import GeneratorInfo
from unlearnbench.types.options import EngineOptions, RunOptions


def rerun(
    folder: str | Path,
    checkpoint: str,
    *,
    base: str | None = None,
    device: str = "auto",
    run_options: RunOptions = RunOptions(),
    on_progress: OnProgress = ignore,
    bases: str | Path | None = None,
) -> Rerun:
    """Ask a submission's checkpoint again, here, in the precision claimed, and compare; its utility
    is measured again too, where the submission holds any.

    Args:
        folder: The submission, or a base run that is to be accepted.
        checkpoint: The very checkpoint that was submitted.
        base: The model before unlearning, with whose tokenizer, chat template, special and stop
            tokens and generation settings the checkpoint is then asked. It may be left out only
            where the checkpoint's own are known to be the base's.
        device: As in `EngineOptions`.
        run_options: Where the run is stored.
        on_progress: Called with every report of progress.
        bases: As in `verify`.

    Raises:
        SubmissionError: The submission does not stand, a checkpoint is not the one that it names,
            or the base is needed and not given.
    """
    found = _standing(folder, bases)
    row = found.checked
    if row is None and base is not None:
        raise SubmissionError(f"--base {base}: {folder} is the run of a base itself")
    claimed, run_claim = found.run_and_claim()
    identity = run_claim.identity
    options = EngineOptions(device=device, dtype=identity.dtype, tokenizer=base)
    engine = engine_again(identity.engine, run_claim.settings, checkpoint, options)
    _check_same(f"--rerun {checkpoint}", engine.info.fingerprint, identity.checkpoint, folder)
    if row is not None and base is None:
        _check_own_surroundings(row, engine.info, checkpoint)
    elif row is not None and base is not None:
        _check_base(row, engine.info, base)
    run = score(
        checkpoint,
        identity.benchmark,
        profile=identity.profile,
        judge=identity.judge,
        engine=engine,
        engine_options=options,
        seed=identity.seed,
        run_options=run_options,
        on_progress=on_progress,
    )
    compared = compare_rerun(claimed, run, row.base.run if row is not None else None)
    part = row or found.base
    sent = part.utility if part is not None else None
    if sent is None:
        return compared
    record = measure_utility(checkpoint, engine_options=options)
    write_utility(record, run.path / UTILITY_FILE)
    return replace(compared, utility=rerun_of_utility(sent, record.model))


def _check_same(option: str, fingerprint: str, claimed: str, folder: str | Path) -> None:
    """Raise `SubmissionError` if a checkpoint is not the one that a submission names."""
    if fingerprint != claimed:
        raise SubmissionError(
            f"{option}: its fingerprint is {fingerprint[:12]}…, not {claimed[:12]}… of {folder}; "
            "it is another checkpoint"
        )


def _check_base(row: Checked, info: GeneratorInfo, base: str) -> None:
    """Raise `SubmissionError` if the engine does not ask with the tokenizer of the row's base."""
    used = info.settings.get("tokenizer")
    if used is None:
        raise SubmissionError(
            f"--base {base}: engine {info.engine} asks with the checkpoint's own tokenizer alone"
        )
    _check_same(f"--base {base}", str(used), row.claim.base, row.folder)


def _check_own_surroundings(row: Checked, info: GeneratorInfo, checkpoint: str) -> None:
    """Raise `SubmissionError` if a checkpoint's own tokenizer may hide what its weights know."""
    own = SurroundingsClaim(**asdict(info.surroundings)) if info.surroundings else None
    different = different_parts(own, row.base.claim.run.surroundings)
    if different != ():
        what = (
            "nobody recorded what surrounds the weights of its base"
            if different is None
            else f"not the base's: {listed([PARTS[name] for name in different])}"
        )
        raise SubmissionError(
            f"--rerun {checkpoint}: {what}, and a tokenizer or a template can hide what the "
            "weights know; give --base BASE, the model before unlearning, to ask with its own"
        )


def rejudge_submission(
    folder: str | Path,
    judge: str,
    *,
    sample: bool = False,
    max_cost: float | None = None,
    run_options: RunOptions = RunOptions(),
    on_progress: OnProgress = ignore,
    bases: str | Path | None = None,
) -> Rerun:
    """Judge a submission's answers again without a model, and compare.

    `sample`: only on facts that nobody chose, which suffices for a paid judge; a resumed run keeps
    its sample. The row's own judge may judge again if it is paid. Raises `SubmissionError` if the
    submission is refused, `JudgeError` for a judge that cannot be made.
    """
    row = _accepted(folder, bases)
    with TemporaryDirectory() as temporary:
        claimed = row.sample_on(_day(run_options)) if sample else row.run
        stored = _as_run(claimed, Path(temporary) / row.folder.name)
        run = rejudge(
            stored, judge, max_cost=max_cost, run_options=run_options, on_progress=on_progress
        )
    return compare_rerun(claimed, run, sampled=claimed.probes != row.run.probes)


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
    verification = _standing(folder, bases)
    if verification.checked is None:
        raise SubmissionError(f"{folder}: a base run; give the submission of a row")
    return verification.checked


def _standing(folder: str | Path, bases: str | Path | None) -> Verification:
    (verification,) = verify([folder], bases=bases)
    if not verification.ok:
        raise SubmissionError(f"{folder}: is refused: {verification.reasons[0]}")
    return verification


def _day(options: RunOptions) -> date:
    """The day whose sample is judged: today, or the one on which the run began."""
    folder = RunFolder(Path(options.out)) if options.out is not None else None
    begun = folder.record().created if folder is not None and folder.exists() else None
    return sample_days(begun or utc_now())[0]


def _as_run(run: Run, path: Path) -> Path:
    """A submission's run as a run folder, which a judge can be given."""
    path.mkdir()
    folder = RunFolder(path)
    folder.begin(run.probes, run.record)
    folder.completions.append(completion_record(run.completions[p.key]) for p in run.probes)
    return path
