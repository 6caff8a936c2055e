"""Rank all submissions of a folder in divisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from unlearnbench.errors import SubmissionError
from unlearnbench.hashing import sha256_json
from unlearnbench.leaderboard.anchors import Anchors, base_anchor, in_division
from unlearnbench.leaderboard.derive import entry_of, shown_id
from unlearnbench.leaderboard.entry import (
    ROW_VERSION,
    BaseKnowledge,
    Entry,
    RefusedEntry,
    questions_of,
)
from unlearnbench.leaderboard.kept import Kept, Store
from unlearnbench.leaderboard.ranking import ranked
from unlearnbench.submissions.apart import apart
from unlearnbench.submissions.attestations import (
    attestation_folders,
    attestations_of,
    attested,
)
from unlearnbench.submissions.bases import Bases
from unlearnbench.submissions.layout import BASE
from unlearnbench.submissions.untrusted import Refusal
from unlearnbench.submissions.verify import Verification, check_submission, copies
from unlearnbench.submissions.withdrawn import withdrawal


@dataclass(frozen=True, slots=True)
class Division:
    """Rows that can be compared: of one base model, benchmark, profile and judge."""

    benchmark: str
    version: str
    profile: str
    base: str
    judge: str
    base_knowledge: BaseKnowledge
    rows: tuple[Entry, ...]
    anchors: tuple[Entry, ...]
    key: str

    @property
    def title(self) -> str:
        """Base model, benchmark and its version; the profile where it is not `standard`."""
        profile = "" if self.profile == "standard" else f", profile {self.profile}"
        return f"{self.base} × {self.benchmark} {self.version}{profile}"

    @property
    def headline(self) -> str:
        """What the score is called that rows are ranked by."""
        return "worst case" if self.profile == "standard" else self.profile

    @property
    def slug(self) -> str:
        """A name for files and links; divisions that read alike differ in its end."""
        profile = "" if self.profile == "standard" else f"-{self.profile}"
        words = f"{self.benchmark}-{self.version}{profile}-{self.base}-{self.judge}".lower()
        plain = "".join(c if c.isascii() and c.isalnum() else "-" for c in words)
        return f"{plain[:60].strip('-')}-{self.key[:6]}"


@dataclass(frozen=True, slots=True)
class Board:
    """Everything that the site shows. `tombstones`: id -> why it was withdrawn."""

    divisions: tuple[Division, ...]
    refused: tuple[RefusedEntry, ...]
    tombstones: Mapping[str, str]


def read_board(folder: Path, bases: Bases, cache: Path | None = None) -> Board:
    """Verify and rank the submissions in `folder`, one in each subfolder.

    `cache` is a folder that stores rows by the sha256 of their SHA256SUMS, so that only new or
    changed submissions are verified. Raises `SubmissionError` if `folder` does not exist or an
    accepted base does not stand; nothing in a submission makes it raise.
    """
    if not folder.is_dir():
        raise SubmissionError(f"{folder}: no folder of submissions")
    folders = sorted(p for p in folder.iterdir() if not p.name.startswith("."))
    anchors, store = Anchors(bases.judge_of), Store(cache, f"{ROW_VERSION} {bases.context()}")
    tombstones: dict[str, str] = {}
    kept: list[Kept] = []
    for path in folders:
        reason = withdrawal(path)
        if reason is not None:
            tombstones[shown_id(path.name)] = reason
        else:
            kept.append(_row(path, bases, store, anchors))
    readable, refused = _without_copies(kept)
    refused += _orphaned_attestations(folder, {path.name for path in folders})
    return Board(tuple(_divisions(readable, anchors)), tuple(refused), tombstones)


def _orphaned_attestations(folder: Path, rows: set[str]) -> list[RefusedEntry]:
    """Attestations of rows that do not exist."""
    reason = "there is no such row"
    return [
        RefusedEntry(ROW_VERSION, f"attestations/{shown_id(path.name)}", "claimed", [reason])
        for path in attestation_folders(attestations_of(folder / "any").parent)
        if path.name not in rows
    ]


def _row(path: Path, bases: Bases, store: Store, anchors: Anchors) -> Kept:
    """A submission's row, from the store or by verification."""
    stored = store.read(path)
    if stored is not None:
        if isinstance(stored.entry, Entry) and stored.anchors:
            anchors.rows.setdefault(questions_of(stored.entry.claim), stored.anchors)
        return replace(stored, entry=replace(stored.entry, id=shown_id(path.name)))
    verification = check_submission(path, bases)
    try:
        row = _derived(verification, bases, anchors)
    except Refusal as reason:
        row = Kept(entry_of(Verification(path, [reason])))
    if row.fingerprinted is not None:
        store.write(path, row)
    return row


def _derived(verification: Verification, bases: Bases, anchors: Anchors) -> Kept:
    if verification.base is not None:
        raise Refusal("not-a-row", BASE, "a run of a base model belongs among the accepted bases")
    checked = verification.checked
    if checked is None:
        return Kept(entry_of(verification))
    beside = attested(checked, bases.judge_of)
    name = verification.folder.name
    entry = apart(lambda: entry_of(verification, beside), name)
    anchors.prepare(checked)
    made_up = apart(lambda: anchors.of(checked), name)
    anchors.rows.setdefault(questions_of(checked.claim.run.identity), made_up)
    return Kept(entry, made_up, checked.fingerprinted)


def _without_copies(rows: Sequence[Kept]) -> tuple[list[Entry], list[RefusedEntry]]:
    """The readable rows, those that copy an earlier one only claimed; and the refused ones.

    What is refused is nobody's original: a false row of an invented date harms no other.
    """
    compared = [
        row.fingerprinted for row in rows if row.fingerprinted is not None and not row.entry.reasons
    ]
    reasons = copies(compared)
    readable = [
        _only_claimed(row.entry, [str(reason) for reason in reasons.get(row.fingerprinted.id, ())])
        for row in rows
        if isinstance(row.entry, Entry) and row.fingerprinted is not None
    ]
    return readable, [row.entry for row in rows if isinstance(row.entry, RefusedEntry)]


def _only_claimed(row: Entry, reasons: Sequence[str]) -> Entry:
    if not reasons:
        return row
    return replace(row, trust="claimed", levels=["claimed"], reasons=[*row.reasons, *reasons])


def _divisions(rows: Sequence[Entry], anchors: Anchors) -> list[Division]:
    groups: dict[tuple[str, ...], list[Entry]] = {}
    for row in rows:
        claim = row.claim
        key = (claim.benchmark_fingerprint, claim.base_fingerprint, claim.profile_fingerprint)
        groups.setdefault((*key, claim.judge_identity), []).append(row)
    made_up = [anchors.rows.get(questions_of(rows[0].claim), ()) for rows in groups.values()]
    divisions = [
        _division(members, of_questions, sha256_json(list(key)))
        for (key, members), of_questions in zip(groups.items(), made_up, strict=True)
    ]
    return sorted(divisions, key=_place)


def _place(division: Division) -> tuple[object, ...]:
    """Where a division stands: by benchmark, its newest edition and profile `standard` first."""
    numbers = [-int(part) for part in division.version.split(".") if part.isdigit()]
    strict = division.profile != "standard"
    return division.benchmark, numbers, strict, division.base, division.judge, division.key


def _division(
    members: Sequence[Entry], anchors_of_questions: Sequence[Entry], key: str
) -> Division:
    first = members[0]
    claim = first.claim
    return Division(
        benchmark=claim.benchmark,
        version=claim.benchmark_version,
        profile=claim.profile,
        base=claim.base,
        judge=claim.judge,
        base_knowledge=first.base_knowledge,
        rows=tuple(ranked(members)),
        anchors=(base_anchor(first), *(in_division(a, first) for a in anchors_of_questions)),
        key=key,
    )
