"""Make a leaderboard submission out of runs, and check submissions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from unlearnbench.api import Observe, score
from unlearnbench.errors import SubmissionError
from unlearnbench.interfaces import Generator, Judge
from unlearnbench.judging.catalogue import make_judge
from unlearnbench.plugins import load
from unlearnbench.protocol.run import load_run
from unlearnbench.runs.attacks import attack_kind, read_attack
from unlearnbench.submissions.bundle import About, bundle
from unlearnbench.submissions.publish import open_pull_request
from unlearnbench.submissions.rerun import Rerun, compare
from unlearnbench.submissions.verify import Verification, copies
from unlearnbench.submissions.verify import verify as check
from unlearnbench.types import EngineOptions


def submit(
    run: str | Path,
    base: str | Path,
    about: About,
    *,
    attacks: Sequence[str | Path] = (),
    out: str | Path | None = None,
) -> Path:
    """Write a submission folder from a score run, the base model's, and attack runs.

    `out` defaults to `submissions/<name>`. The folder is verified before it is handed over. Raises
    `SubmissionError` with every reason why the row could not be ranked, `RunError` for what is no
    run.
    """
    records: dict[str, Path] = {}
    for folder in attacks:
        kind = attack_kind(Path(folder))
        if kind is None:
            raise SubmissionError(f"{folder}: neither a relearn nor a stress run")
        read_attack(Path(folder), kind)
        if kind in records:
            raise SubmissionError(f"{folder}: a second {kind} run; give one of each")
        records[kind] = Path(folder) / f"{kind}.json"
    target = Path(out) if out is not None else Path("submissions") / _folder_name(about.name)
    made = bundle(load_run(run), load_run(base), records, about, target)
    found = verify([made])[0]
    if not found.ok:
        raise SubmissionError(f"{made}: would be refused: {found.reasons[0]}")
    return made


def publish(folder: str | Path, repository: str) -> str:
    """Open a pull request with a submission that stands at a data set `OWNER/NAME` on a hub.

    Returns its address. Raises `SubmissionError` if it does not stand or cannot be sent.
    """
    (found,) = verify([folder])
    if not found.ok:
        raise SubmissionError(f"{folder}: does not stand: {found.reasons[0]}")
    return open_pull_request(Path(folder), repository)


def verify(folders: Sequence[str | Path]) -> list[Verification]:
    """Check submissions without their models; copies are looked for among them."""
    judges: dict[str, Judge] = {}

    def judge_of(name: str) -> Judge:
        if name not in judges:
            judges[name] = make_judge(name)
        return judges[name]

    found = [check(Path(folder), judge_of) for folder in folders]
    read = [one.checked for one in found if one.checked is not None]
    return [
        replace(one, reasons=[*one.reasons, *copies(one.checked, read)]) if one.checked else one
        for one in found
    ]


def rerun(
    folder: str | Path,
    checkpoint: str,
    *,
    device: str = "auto",
    out: str | Path | None = None,
    observe: Observe | None = None,
) -> Rerun:
    """Ask a submission's checkpoint again, here, in the precision claimed, and compare.

    `out` is the new run's folder, and resumes. Raises `SubmissionError` if the submission does not
    stand or `checkpoint` is not the very one that was submitted.
    """
    (found,) = verify([folder])
    if not found.ok or found.checked is None:
        raise SubmissionError(f"{folder}: does not stand: {found.reasons[0]}")
    identity = found.checked.claim.run.identity
    options = EngineOptions(device=device, dtype=identity.dtype)
    there = cast(Generator, load("engines", identity.engine)(checkpoint, options)).info
    if there.fingerprint != identity.checkpoint:
        raise SubmissionError(
            f"--rerun {checkpoint}: its fingerprint is {there.fingerprint[:12]}…, not "
            f"{identity.checkpoint[:12]}… of {folder}; it is another checkpoint"
        )
    here = score(
        checkpoint,
        identity.benchmark,
        profile=identity.profile,
        judge=identity.judge,
        engine=identity.engine,
        options=options,
        seed=identity.seed,
        out=out,
        observe=observe,
    )
    return compare(found.checked, here)


def _folder_name(name: str) -> str:
    from unlearnbench.naming import label

    return label(name.lower()) or "submission"
