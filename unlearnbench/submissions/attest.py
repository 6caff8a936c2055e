"""Make an attestation: what somebody found out about a row, as a folder of named plain files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from unlearnbench.errors import SubmissionError
from unlearnbench.protocol.run import Run
from unlearnbench.submissions.attestations import CLAIM, RUN_FILES
from unlearnbench.submissions.bundle import claim_file, journal, run_claim
from unlearnbench.submissions.schema import Attestation
from unlearnbench.submissions.verify import Checked


def kind_of(run: Run | None) -> str:
    """What evidence amounts to: stored answers judged again, a checkpoint run again, or attacks."""
    if run is None:
        return "attacked"
    return "re-judged" if run.manifest["identity"]["engine"] == "replay" else "re-run"


def attest(
    row: Checked, run: Run | None, attacks: Mapping[str, Path], by: str, link: str
) -> Mapping[str, bytes]:
    """The attestation's files by name: with a run, or with attack records by kind.

    Raises `SubmissionError` if the run has open facts or judged other answers than the row's.
    """
    kind = kind_of(run)
    files = {}
    if run is not None:
        if run.n_open:
            raise SubmissionError(f"{run.path}: {run.n_open} probes are open; resume it")
        if kind == "re-judged" and dict(run.completions) != dict(row.answered):
            raise SubmissionError(f"{run.path}: what was judged are not the answers of this row")
        names = RUN_FILES[kind]
        files = {name: journal(run, name.removeprefix("run/")) for name in sorted(names)}
    claim = {
        "schema_version": 1,
        "row": row.digest,
        "kind": kind,
        "by": by,
        "link": link,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "run": run_claim(run) if run is not None else None,
    }
    files[CLAIM] = claim_file(claim, Attestation)
    for name, path in attacks.items():
        files[f"{name}.json"] = path.read_bytes()
    return files
