"""Rank all submissions of a folder in divisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from unlearnbench.errors import SubmissionError
from unlearnbench.leaderboard.anchors import Anchors, base_anchor, in_division
from unlearnbench.leaderboard.derive import entry_of
from unlearnbench.leaderboard.entry import ROW_VERSION, Entry, RefusedEntry
from unlearnbench.leaderboard.kept import Kept, Store
from unlearnbench.leaderboard.ranking import ranked
from unlearnbench.submissions.attestations import (
    attestation_folders,
    attestations_of,
    attested,
)
from unlearnbench.submissions.checks import JudgeOf
from unlearnbench.submissions.verify import check_submission

WITHDRAWN = "WITHDRAWN"
"""A file of this name, with the reason in it, replaces a submission that was withdrawn."""
MOST_REASON = 500
"""Most characters of such a reason that are shown."""


@dataclass(frozen=True, slots=True)
class Division:
    """Rows that can be compared: those of one benchmark and one base model."""

    benchmark: str
    version: str
    base: str
    rows: tuple[Entry, ...]
    anchors: tuple[Entry, ...]

    @property
    def slug(self) -> str:
        """A name for files and links."""
        words = f"{self.benchmark}-{self.version}-{self.base}"
        return "".join(c if c.isalnum() or c in "-." else "-" for c in words)[:80]


@dataclass(frozen=True, slots=True)
class Board:
    """Everything that the site shows. `tombstones`: id -> why it was withdrawn."""

    divisions: tuple[Division, ...]
    refused: tuple[RefusedEntry, ...]
    tombstones: Mapping[str, str]


def read_board(folder: Path, judge_of: JudgeOf, cache: Path | None = None) -> Board:
    """Verify and rank the submissions in `folder`, one in each subfolder.

    `cache` is a folder that stores rows by the sha256 of their SHA256SUMS, so that only new or
    changed submissions are verified. Raises `SubmissionError` if `folder` does not exist.
    """
    if not folder.is_dir():
        raise SubmissionError(f"{folder}: no folder of submissions")
    folders = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    tombstones = {p.name: _reason(p) for p in folders if (p / WITHDRAWN).is_file()}
    anchors, store = Anchors(judge_of), Store(cache)
    rows = [_row(p, judge_of, store, anchors) for p in folders if p.name not in tombstones]
    readable = _mark_copies([row for row in rows if isinstance(row, Entry)])
    refused = [row for row in rows if isinstance(row, RefusedEntry)]
    refused += _orphaned_attestations(folder, {path.name for path in folders})
    return Board(tuple(_divisions(readable, anchors)), tuple(refused), tombstones)


def _orphaned_attestations(folder: Path, rows: set[str]) -> list[RefusedEntry]:
    """Attestations of rows that do not exist."""
    reason = "there is no such row"
    return [
        RefusedEntry(ROW_VERSION, f"attestations/{path.name}", "claimed", [reason])
        for path in attestation_folders(attestations_of(folder / "any").parent)
        if path.name not in rows
    ]


def _reason(path: Path) -> str:
    return (path / WITHDRAWN).read_text("utf-8", "replace").strip()[:MOST_REASON]


def _row(path: Path, judge_of: JudgeOf, store: Store, anchors: Anchors) -> Entry | RefusedEntry:
    """A submission's row, from the store or by verification."""
    stored = store.read(path)
    if stored is not None:
        if isinstance(stored.entry, Entry) and stored.anchors:
            anchors.rows.setdefault(stored.entry.claim.benchmark_fingerprint, stored.anchors)
        return replace(stored.entry, id=path.name)
    verification = check_submission(path, judge_of)
    checked = verification.checked
    entry = entry_of(verification, attested(checked, judge_of) if checked is not None else ())
    store.write(path, Kept(entry, anchors.of(checked) if checked is not None else ()))
    return entry


def _mark_copies(rows: Sequence[Entry]) -> list[Entry]:
    """Trust no row whose responses equal those of another checkpoint's row."""
    owners: dict[str, list[Entry]] = {}
    for row in rows:
        owners.setdefault(row.answers, []).append(row)
    return [_with_copies_named(row, owners[row.answers]) for row in rows]


def _with_copies_named(row: Entry, equal: Sequence[Entry]) -> Entry:
    if len({twin.claim.fingerprint for twin in equal}) == 1:
        return row
    names = ", ".join(twin.id for twin in equal if twin is not row)
    reasons = [*row.reasons, f"its answers are those of {names}"]
    return replace(row, trust="claimed", levels=["claimed"], reasons=reasons)


def _divisions(rows: Sequence[Entry], anchors: Anchors) -> list[Division]:
    groups: dict[tuple[str, str], list[Entry]] = {}
    for row in rows:
        key = (row.claim.benchmark_fingerprint, row.claim.base_fingerprint)
        groups.setdefault(key, []).append(row)
    divisions = [
        _division(members, anchors.rows.get(benchmark, ()))
        for (benchmark, _), members in groups.items()
    ]
    return sorted(divisions, key=lambda d: (d.benchmark, d.version, d.base))


def _division(members: Sequence[Entry], anchors_of_benchmark: Sequence[Entry]) -> Division:
    first = members[0]
    claim = first.claim
    anchors = (base_anchor(first), *(in_division(anchor, first) for anchor in anchors_of_benchmark))
    return Division(
        claim.benchmark, claim.benchmark_version, claim.base, tuple(ranked(members)), anchors
    )
