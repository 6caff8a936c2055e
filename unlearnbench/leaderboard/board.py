"""All submissions of a folder as divisions of ranked rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unlearnbench.disk import clear_leftovers, write_atomically, writing
from unlearnbench.errors import SubmissionError, UnreadableError
from unlearnbench.hashing import sha256_json
from unlearnbench.leaderboard.anchors import ANCHORS, anchor
from unlearnbench.leaderboard.entry import ROW_VERSION, row_of
from unlearnbench.leaderboard.ranking import outside, ranks
from unlearnbench.reading import read_object
from unlearnbench.submissions.attestations import attested, entries, place
from unlearnbench.submissions.checks import JudgeOf
from unlearnbench.submissions.untrusted import sha256
from unlearnbench.submissions.verify import Checked, Verification, verify

WITHDRAWN = "WITHDRAWN"
"""A file of this name, with the reason in it, stands in for a submission that was taken back."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Division:
    """Rows that may stand beside each other: one benchmark, one base model."""

    benchmark: str
    version: str
    base: str
    rows: tuple[Row, ...]
    anchors: tuple[Row, ...]

    @property
    def slug(self) -> str:
        """A name for files and links."""
        words = f"{self.benchmark}-{self.version}-{self.base}"
        return "".join(c if c.isalnum() or c in "-." else "-" for c in words)[:80]


@dataclass(frozen=True, slots=True)
class Board:
    """Everything that the page shows. `tombstones`: id -> why it was withdrawn."""

    divisions: tuple[Division, ...]
    refused: tuple[Row, ...]
    tombstones: Mapping[str, str]


def read_board(folder: Path, judge_of: JudgeOf, kept: Path | None = None) -> Board:
    """Verify and rank what lies in `folder`, one submission a folder.

    `kept` is where rows are remembered by the sha256 of their SHA256SUMS, so that only what is new
    is verified. Raises `SubmissionError` if there is no such folder.
    """
    if not folder.is_dir():
        raise SubmissionError(f"{folder}: no folder of submissions")
    folders = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    tombstones = {p.name: _reason(p) for p in folders if (p / WITHDRAWN).is_file()}
    rows, anchors = [], _Anchors(judge_of)
    for path in folders:
        if path.name not in tombstones:
            rows.append(_row(path, judge_of, kept, anchors))
    _mark_copies(rows)
    readable = [row for row in rows if "scores" in row]
    refused = [row for row in rows if "scores" not in row]
    refused += _about_nothing(folder, {path.name for path in folders})
    return Board(tuple(_divisions(readable, anchors)), tuple(refused), tombstones)


def _about_nothing(folder: Path, known: set[str]) -> list[Row]:
    """Attestations about rows that are not there."""
    return [
        {"id": f"attestations/{path.name}", "trust": "claimed", "reasons": ["there is no such row"]}
        for path in entries(place(folder / "any").parent)
        if path.name not in known
    ]


def _reason(path: Path) -> str:
    return (path / WITHDRAWN).read_text("utf-8", "replace").strip()[:500]


class _Anchors:
    """The made-up rows of each benchmark, asked like the first submission that was read."""

    def __init__(self, judge_of: JudgeOf) -> None:
        self._judge_of = judge_of
        self.rows: dict[str, tuple[Row, ...]] = {}

    def see(self, checked: Checked) -> tuple[Row, ...]:
        """Make the anchors of this submission's benchmark, once."""
        identity = checked.claim.run.identity
        if identity.benchmark_fingerprint not in self.rows:
            made = []
            for name in ANCHORS:
                run = anchor(name, checked.runs["run"], self._judge_of("rules"))
                runs = {**checked.runs, "run": run}
                twin = replace(checked, runs=runs, attacks={}, answered={})
                row = row_of(Verification(checked.folder, (), twin))
                made.append({**row, "id": f"anchor-{name}", "name": name, "method": "made up"})
            self.rows[identity.benchmark_fingerprint] = tuple(made)
        return self.rows[identity.benchmark_fingerprint]


def _row(path: Path, judge_of: JudgeOf, kept: Path | None, anchors: _Anchors) -> Row:
    """A submission's row: remembered, or made."""
    sums = path / "SHA256SUMS"
    links = path.is_symlink() or sums.is_symlink()
    plain = not links and sums.is_file() and sums.stat().st_size < 10_000
    digest = sha256(sums.read_bytes()) if plain else ""
    store = kept / f"{digest}.json" if kept is not None and digest else None
    if store is not None and store.is_file():
        known = _known(store)
        if known and known["version"] == ROW_VERSION and known["files"] == _stamp(path):
            row: Row = known["row"]
            for made in [known["anchors"]] if known["anchors"] else []:
                anchors.rows.setdefault(row["benchmark_fingerprint"], tuple(made))
            return {**row, "id": path.name}
    found = verify(path, judge_of)
    others = attested(found.checked, judge_of) if found.checked is not None else ()
    row = row_of(found, others)
    made_up = anchors.see(found.checked) if found.checked is not None else ()
    if store is not None:
        with writing(store):
            store.parent.mkdir(parents=True, exist_ok=True)
            clear_leftovers(store.parent, store.name)
        record = {
            "version": ROW_VERSION,
            "row": row,
            "files": _stamp(path),
            "anchors": list(made_up),
        }
        record["sum"] = sha256_json(record)
        write_atomically(store, json.dumps(record, ensure_ascii=False))
    return row


def _known(store: Path) -> dict[str, Any] | None:
    """A remembered row; None if it is not as it was written, so that it is made anew."""
    try:
        record = read_object(store, own=True)
    except UnreadableError:
        return None
    return record if record.pop("sum", None) == sha256_json(record) else None


def _stamp(path: Path) -> list[list[Any]]:
    """Names, sizes and times of the files of a submission and of what is attested about it: a
    changed file is verified anew."""
    return [
        [folder.name, str(p.relative_to(folder)), p.lstat().st_size, p.lstat().st_mtime_ns]
        for folder in (path, *entries(place(path)))
        for p in ([] if folder.is_symlink() else sorted(folder.rglob("*")))
    ]


def _mark_copies(rows: Sequence[Row]) -> None:
    """The same answers from two checkpoints: neither is trusted until that is explained."""
    owners: dict[str, list[Row]] = {}
    for row in rows:
        if "answers" in row:
            owners.setdefault(row["answers"], []).append(row)
    for same in owners.values():
        if len({row["fingerprint"] for row in same}) > 1:
            for row in same:
                others = ", ".join(r["id"] for r in same if r is not row)
                row |= {"trust": "claimed", "levels": ["claimed"]}
                row["reasons"] = [*row["reasons"], f"its answers are those of {others}"]


def _divisions(rows: Sequence[Row], anchors: _Anchors) -> list[Division]:
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row["benchmark_fingerprint"], row["base_fingerprint"]), []).append(row)
    made = []
    for (benchmark, _), members in found.items():
        first = members[0]
        made_up = tuple(
            {**row, "base_scores": first["base_scores"], "base": first["base"]}
            for row in anchors.rows.get(benchmark, ())
        )
        base = _base_row(first)
        made.append(
            Division(
                first["benchmark"],
                first["benchmark_version"],
                first["base"],
                tuple(_ranked(members)),
                (base, *made_up),
            )
        )
    return sorted(made, key=lambda d: (d.benchmark, d.version, d.base))


def _base_row(row: Row) -> Row:
    """The base model itself, as the division's first submission ran it."""
    return {
        **row,
        "id": "anchor-base",
        "name": row["base"],
        "method": "before unlearning",
        "fingerprint": row["base_fingerprint"],
        "scores": row["base_scores"],
        "states": row["base_states"],
        "relearn": None,
        "stress": None,
        "known": {"worst_case": None, "relearn": None},
        "attestations": [],
    }


def worst(row: Row) -> float:
    """The share of forget facts that are known to be there still: by its own run, and by others."""
    known = row["known"]["worst_case"]
    return float(known["score"]["high"] if known else row["scores"]["forget.worst_case"][0])


def _ranked(members: Sequence[Row]) -> list[Row]:
    """Rows with `outside` and `rank`; ranked ones first, by worst case, then by retain."""
    for row in members:
        row["outside"] = outside(row)
    inside = [row for row in members if not row["outside"]]
    known = [(row["known"]["worst_case"] or row)["states"] for row in inside]
    for row, rank in zip(inside, ranks(known), strict=True):
        row["rank"] = list(rank)
    key: Callable[[Row], Any] = lambda row: (  # noqa: E731
        bool(row["outside"]),
        worst(row),
        -row["scores"]["retain.mean"][0],
        row["id"],
    )
    return sorted(members, key=key)
