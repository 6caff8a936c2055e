"""Make a submission from runs: one folder of plain files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from unlearnbench.errors import SubmissionError
from unlearnbench.files.disk import check_folder_option, writing
from unlearnbench.hashing import sha256_bytes
from unlearnbench.runs.attacks import read_relearn, read_stress
from unlearnbench.runs.identity import departures
from unlearnbench.runs.run import Run
from unlearnbench.submissions.layout import (
    ATTESTATION,
    CLAIMS,
    COMPLETIONS,
    FILES_OF_KIND,
    JOURNALS,
    RANKABLE,
    SUBMISSION,
    SUMS,
    AttestationKind,
)
from unlearnbench.submissions.schema import (
    Attestation,
    Claim,
    ClaimedIdentity,
    JsonObject,
    Submission,
)
from unlearnbench.submissions.verify import Checked
from unlearnbench.types.options import About

C = TypeVar("C", bound=Claim)


def submission_files(
    run: Run, base: Run, attacks: Mapping[str, Path], about: About
) -> Mapping[str, bytes]:
    """A submission's files by name; `attacks` maps `relearn`, `stress` to their records.

    Raises `SubmissionError` with every reason why the row cannot be ranked.
    """
    reasons = list(_reasons(run, base, attacks))
    if reasons:
        raise SubmissionError(f"{run.path} cannot be submitted: {'; '.join(reasons)}")
    claim: JsonObject = {
        "schema_version": Submission.VERSION,
        "name": about.name,
        "method": about.method,
        "submitter": about.submitter,
        "link": about.link,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "run": run_claim(run),
        "base": run_claim(base),
    }
    files = {SUBMISSION: claim_file(claimed(Submission, claim))}
    for part, source in (("run", run), ("base", base)):
        for name in JOURNALS:
            files[f"{part}/{name}"] = journal(source, name)
    for kind, path in attacks.items():
        files[f"{kind}.json"] = path.read_bytes()
    return files


def claimed(shape: type[C], fields: JsonObject) -> C:
    """A claim of class `shape`. Raises `SubmissionError` with the option that is invalid."""
    try:
        return shape.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise SubmissionError(f"--{place}: {first['msg']}") from error


def claim_file(claim: Claim) -> bytes:
    """The bytes of a claim's file."""
    return (json.dumps(claim.to_disk(), indent=1, ensure_ascii=False) + "\n").encode()


def write_folder(out: Path, files: Mapping[str, bytes]) -> Path:
    """Write files and their SHA256SUMS into a new folder. Raises `RunError` if that fails."""
    sums = "".join(f"{sha256_bytes(data)}  {name}\n" for name, data in sorted(files.items()))
    for name, data in {**files, SUMS: sums.encode()}.items():
        path = out / name
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    return out


def is_same(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Whether a folder holds these files, apart from the time at which they were made."""
    present = {str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir()}
    return present == {*files, SUMS} and all(
        _undated(name, (folder / name).read_bytes()) == _undated(name, data)
        for name, data in files.items()
    )


def check_free(out: Path, files: Mapping[str, bytes]) -> bool:
    """Whether `out` must be written: False if it holds exactly these files already.

    Raises `SubmissionError` if it holds anything else, `RunError` if it cannot be written.
    """
    check_folder_option("--out", out)
    if not out.exists() or not any(out.iterdir()):
        return True
    if not is_same(out, files):
        raise SubmissionError(f"--out {out} is not empty; choose another folder")
    return False


def _undated(name: str, data: bytes) -> object:
    """A file's content; for a claim without the time at which it was made."""
    if name not in CLAIMS:
        return data
    try:
        claim = json.loads(data)
    except ValueError:
        return data
    return {k: v for k, v in claim.items() if k != "created"} if isinstance(claim, dict) else data


def _reasons(run: Run, base: Run, attacks: Mapping[str, Path]) -> list[str]:
    reasons = []
    for label, source in (("", run), ("the base run: ", base)):
        identity = source.record.score_identity
        if source.n_open:
            reasons.append(f"{label}{source.n_open} probes are open; resume it")
        if identity.profile not in RANKABLE:
            reasons.append(
                f"{label}profile {identity.profile} is not ranked; use {', '.join(RANKABLE)}"
            )
        if identity.limit is not None:
            reasons.append(f"{label}only the first {identity.limit} facts were asked")
        if identity.engine == "replay":
            reasons.append(f"{label}answers were replayed; submit the run that they come from")
        if changes := departures(identity.model_dump()):
            reasons.append(f"{label}not the protocol: {', '.join(changes)}")
    run_identity, base_identity = run.record.score_identity, base.record.score_identity
    for field in ("benchmark_fingerprint", "profile_fingerprint", "judge_identity", "seed"):
        if getattr(run_identity, field) != getattr(base_identity, field):
            reasons.append(f"run and base run differ in {field}")
    for kind, path in attacks.items():
        record = (read_stress if kind == "stress" else read_relearn)(path.parent)
        if record.identity.checkpoint != run_identity.checkpoint:
            reasons.append(f"the {kind} record is of another checkpoint")
    return reasons


def run_claim(run: Run) -> JsonObject:
    """The part of a run's record that a submission contains."""
    stored = run.record.to_disk()
    identity = {k: v for k, v in stored["identity"].items() if k in ClaimedIdentity.model_fields}
    return {
        "identity": identity,
        "checkpoint": stored["generator"]["checkpoint"],
        "parameters": stored["generator"]["parameters"],
        "settings": stored["generator"]["settings"],
        "versions": stored["versions"],
        "platform": stored["platform"],
        "created": stored["created"],
        "finished": stored["finished"],
        "training": stored["training"],
        "scores": stored["scores"],
    }


def journal(run: Run, name: str) -> bytes:
    """One line per probe in plan order: its final result, without earlier failures."""
    from unlearnbench.runs.codec import completion_record, outcome_record

    records = [
        completion_record(run.completions[p.key])
        if name == COMPLETIONS
        else outcome_record(run.judgements[p.key])
        for p in run.probes
    ]
    return "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records).encode("utf-8")


def kind_of(run: Run | None) -> AttestationKind:
    """The kind of an attestation: responses judged again, a checkpoint run again, or attacks."""
    if run is None:
        return "attacked"
    return "re-judged" if run.record.score_identity.engine == "replay" else "re-run"


def attestation_files(
    row: Checked, run: Run | None, attacks: Mapping[str, Path], by: str, link: str
) -> Mapping[str, bytes]:
    """An attestation's files by name: with a run, or with attack records by kind.

    Raises `SubmissionError` if the run has open probes or other responses than the row.
    """
    kind = kind_of(run)
    files = {}
    if run is not None:
        if run.n_open:
            raise SubmissionError(f"{run.path}: {run.n_open} probes are open; resume it")
        if kind == "re-judged" and dict(run.completions) != dict(row.completions):
            raise SubmissionError(f"{run.path}: its responses are not those of this row")
        names = FILES_OF_KIND[kind]
        files = {name: journal(run, name.removeprefix("run/")) for name in sorted(names)}
    claim: JsonObject = {
        "schema_version": Attestation.VERSION,
        "row": row.digest,
        "kind": kind,
        "by": by,
        "link": link,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "run": run_claim(run) if run is not None else None,
    }
    files[ATTESTATION] = claim_file(claimed(Attestation, claim))
    for name, path in attacks.items():
        files[f"{name}.json"] = path.read_bytes()
    return files
