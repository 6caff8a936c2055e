"""Make a submission from runs: one folder of plain files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from unlearnbench.benchmark.editions import benchmark_names
from unlearnbench.errors import SubmissionError
from unlearnbench.files.disk import check_folder_option, writing
from unlearnbench.hashing import sha256_bytes
from unlearnbench.plugins import BUILTIN
from unlearnbench.runs.attacks import read_relearn, read_stress
from unlearnbench.runs.identity import departures, was_not_compared
from unlearnbench.runs.run import Run
from unlearnbench.runs.schema import StressRecord, utc_now
from unlearnbench.runs.schema.training import TrainingSummary
from unlearnbench.runs.utility import utility_of
from unlearnbench.submissions.attack_answers import attack_answers
from unlearnbench.submissions.checks import few_asked
from unlearnbench.submissions.layout import (
    ANSWERS_OF,
    ATTESTATION,
    BASE,
    CLAIMS,
    COMPLETIONS,
    ENGINES,
    FILES_OF_KIND,
    JOURNALS,
    NOT_COMPARED,
    RANKABLE,
    SENT_UTILITY,
    SUBMISSION,
    SUMS,
    AttestationKind,
)
from unlearnbench.submissions.replies import sent_replies
from unlearnbench.submissions.sample import sample_days
from unlearnbench.submissions.schema import (
    OTHER,
    Attestation,
    BaseClaim,
    Claim,
    ClaimedIdentity,
    JsonObject,
    Submission,
)
from unlearnbench.submissions.utility import utility_fields
from unlearnbench.submissions.utility_claim import UtilityClaim
from unlearnbench.submissions.verify import Checked
from unlearnbench.types.options import About

C = TypeVar("C", bound=Claim)
_NO_ROWS = {
    "replay": "answers were replayed",
    "endpoint": "its answers are a server's, so that nothing shows which weights gave them",
}
"""Engines that ship and whose runs are no rows."""

_PUBLISHED = ("tofu-", "muse-", "rwku", "lkf-original")
"""How the names of benchmarks begin that are read from their authors' files."""


def submission_files(
    run: Run, base: str, attacks: Mapping[str, Path], about: About
) -> Mapping[str, bytes]:
    """A submission's files by name.

    `base` is the fingerprint of the model before unlearning; `attacks` maps `relearn`, `stress` to
    their records. Raises `SubmissionError` with every reason why the row cannot be ranked.
    """
    _check(run, [*_run_reasons(run), *_attack_reasons(run, attacks)])
    claim: JsonObject = {
        "schema_version": Submission.VERSION,
        "name": about.name,
        "method": about.method,
        "submitter": about.submitter,
        "link": about.link,
        "created": utc_now(),
        "run": run_claim(run),
        "base": base,
    }
    if about.note:
        claim["note"] = about.note
    files = {SUBMISSION: claim_file(claimed(Submission, claim)), **_journals(run)}
    return {**files, **attack_files(attacks)}


def attack_files(attacks: Mapping[str, Path]) -> dict[str, bytes]:
    """The records of attacks and their answers by name; `attacks` maps a kind to its record.

    Raises `SubmissionError` for an attack whose answers are not there any more.
    """
    files = {}
    for kind, path in attacks.items():
        files[f"{kind}.json"] = path.read_bytes()
        files[ANSWERS_OF[kind]] = attack_answers(path.parent)
    return files


def base_files(run: Run, source: str, by: str, link: str) -> Mapping[str, bytes]:
    """The files of a base run that is proposed to a board, by name.

    Raises `SubmissionError` with every reason why no row can name it.
    """
    _check(run, _run_reasons(run))
    claim: JsonObject = {
        "schema_version": BaseClaim.VERSION,
        "source": source,
        "by": by,
        "link": link,
        "created": utc_now(),
        "run": run_claim(run),
    }
    return {BASE: claim_file(claimed(BaseClaim, claim)), **_journals(run)}


def _journals(run: Run) -> dict[str, bytes]:
    files = {f"run/{name}": journal(run, name) for name in JOURNALS} | sent_replies(run)
    return files | _sent_utility(run)


def _sent_utility(run: Run) -> dict[str, bytes]:
    """What was measured of the run's model, if it was. Raises `SubmissionError`, `RunError`."""
    record = utility_of(run.path)
    if record is None:
        return {}
    claim = claimed(UtilityClaim, utility_fields(record))
    return {SENT_UTILITY: (json.dumps(claim.to_disk(), ensure_ascii=False) + "\n").encode()}


def _check(run: Run, reasons: Sequence[str]) -> None:
    if reasons:
        raise SubmissionError(f"{run.path} cannot be submitted: {'; '.join(reasons)}")


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


def _run_reasons(run: Run) -> list[str]:
    """Why a run can be no part of a board."""
    reasons, identity = [], run.record.score_identity
    if run.n_open:
        reasons.append(f"{run.n_open} probes are open; resume it")
    if identity.profile not in RANKABLE:
        reasons.append(f"profile {identity.profile} is not ranked; use {', '.join(RANKABLE)}")
    if identity.limit is not None:
        reasons.append(f"only the first {identity.limit} facts were asked")
    if (few := few_asked(run)) is not None:
        reasons.append(few)
    if identity.engine not in ENGINES:
        what = _NO_ROWS.get(identity.engine, "its engine does not ship")
        reasons.append(f"{what}; submit a run of engine {' or '.join(ENGINES)}")
    if was_not_compared(identity.engine, identity.model_dump()):
        reasons.append(NOT_COMPARED)
    if changes := departures(identity.model_dump()):
        reasons.append(f"not the protocol: {', '.join(changes)}")
    return reasons


def _attack_reasons(run: Run, attacks: Mapping[str, Path]) -> list[str]:
    reasons = []
    for kind, path in attacks.items():
        record = (read_stress if kind == "stress" else read_relearn)(path.parent)
        if record.identity.checkpoint != run.record.identity.checkpoint:
            reasons.append(f"the {kind} record is of another checkpoint")
        if record.identity.benchmark_fingerprint != run.record.score_identity.benchmark_fingerprint:
            reasons.append(f"the {kind} record is of another benchmark")
        if isinstance(record, StressRecord) and record.compared is False:
            reasons.append(f"the {kind} record: {NOT_COMPARED}")
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
        "training": _training(run.record.training),
        "scores": stored["scores"],
        "surroundings": stored["generator"].get("surroundings"),
    }


def _training(training: TrainingSummary | None) -> JsonObject | None:
    """How the checkpoint was trained; a method or a benchmark that is not public has no name here.

    The name of somebody's own benchmark may say what is to be forgotten.
    """
    if training is None:
        return None
    method, data = training.method, training.data
    is_public = data.benchmark in benchmark_names() or data.benchmark.startswith(_PUBLISHED)
    named = data if is_public else data.model_copy(update={"benchmark": OTHER})
    known = method if method in BUILTIN["methods"] else OTHER
    return training.model_copy(update={"method": known, "data": named}).model_dump(mode="json")


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


def _of_row(run: Run, row: Checked) -> bool:
    """Whether a run holds the answers of a row, all of them or those of a sample."""
    samples = [
        row.sample_on(day).completions for day in sample_days(run.record.created or utc_now())
    ]
    return any(dict(run.completions) == dict(part) for part in (row.completions, *samples))


def kind_of(run: Run | None) -> AttestationKind:
    """The kind of an attestation: responses judged again, a checkpoint run again, or attacks."""
    if run is None:
        return "attacked"
    return "re-judged" if run.record.score_identity.engine == "replay" else "re-run"


def attestation_files(
    row: Checked, run: Run | None, attacks: Mapping[str, Path], by: str, link: str
) -> Mapping[str, bytes]:
    """An attestation's files by name: with a run, or with attack records by kind.

    What was measured again of the row's utility goes with a run of its checkpoint.

    Raises `SubmissionError` if the run has open probes or other responses than the row.
    """
    kind = kind_of(run)
    files = {}
    if run is not None:
        if run.n_open:
            raise SubmissionError(f"{run.path}: {run.n_open} probes are open; resume it")
        if kind == "re-judged" and not _of_row(run, row):
            raise SubmissionError(f"{run.path}: its responses are not those of this row")
        names = FILES_OF_KIND[kind]
        files = {name: journal(run, name.removeprefix("run/")) for name in sorted(names)}
        files |= sent_replies(run)
        if kind == "re-run" and row.utility is not None:
            files |= _sent_utility(run)
    claim: JsonObject = {
        "schema_version": Attestation.VERSION,
        "row": row.digest,
        "kind": kind,
        "by": by,
        "link": link,
        "created": utc_now(),
        "run": run_claim(run) if run is not None else None,
    }
    files[ATTESTATION] = claim_file(claimed(Attestation, claim))
    return {**files, **attack_files(attacks)}
