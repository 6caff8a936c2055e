"""Which forget facts models answer before unlearning: `known-by.csv` beside a benchmark.

A fact that no model knows cannot be forgotten. The table is no part of the benchmark's fingerprint;
it grows with every base run that is submitted, from which it is derived.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from unlearnbench.errors import BenchmarkError, UnreadableError
from unlearnbench.files.reading import decode, read_bytes

KNOWN_BY = "known-by.csv"
_PLACE = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class KnownBy:
    """What one model answers. `checkpoint` is its fingerprint, `source` where anybody gets it.

    `original`: ids of the forget facts that it answers as first worded; `reworded`: those that it
    answers in another wording or context only.
    """

    model: str
    checkpoint: str
    source: str
    version: str
    date: str
    judge: str
    judge_identity: str
    profile: str
    facts: int
    original: tuple[str, ...]
    reworded: tuple[str, ...]

    @property
    def key(self) -> tuple[str, ...]:
        """What there is one row for; rows stand in this order."""
        return (self.version, self.model, self.checkpoint, self.judge, self.profile)


_COLUMNS = [field.name for field in fields(KnownBy)]


def read_known_by(folder: Path) -> tuple[KnownBy, ...]:
    """The rows beside the benchmark in `folder`, or beside that of which it is an older edition;
    none where there is no table. Raises `BenchmarkError` for a damaged table.
    """
    path = (folder.parents[1] if folder.parent.name == "editions" else folder) / KNOWN_BY
    if not path.exists():
        return ()
    try:
        text = decode(read_bytes(path), path.name)
    except UnreadableError as error:
        raise BenchmarkError("unreadable", path.name, error.what) from error
    reader = csv.DictReader(io.StringIO(text))
    if reader.fieldnames != _COLUMNS:
        what = f"its columns are not {', '.join(_COLUMNS)}"
        raise BenchmarkError("invalid-table", path.name, what)
    return tuple(_row(cells, f"{path.name}:{reader.line_num}") for cells in reader)


def _row(cells: dict[str, str], where: str) -> KnownBy:
    missing = [name for name in _COLUMNS if cells.get(name) is None]
    if missing or not cells["facts"].isdecimal() or not _PLACE.fullmatch(cells["checkpoint"]):
        raise BenchmarkError("invalid-table", where, "not a row of known facts")
    return KnownBy(
        model=cells["model"],
        checkpoint=cells["checkpoint"],
        source=cells["source"],
        version=cells["version"],
        date=cells["date"],
        judge=cells["judge"],
        judge_identity=cells["judge_identity"],
        profile=cells["profile"],
        facts=int(cells["facts"]),
        original=tuple(cells["original"].split()),
        reworded=tuple(cells["reworded"].split()),
    )


def known_by_csv(rows: Iterable[KnownBy]) -> str:
    """The table as text; of rows with one key the last stands."""
    latest = {row.key: row for row in rows}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for _, row in sorted(latest.items()):
        cells = (getattr(row, name) for name in _COLUMNS)
        writer.writerow(" ".join(cell) if isinstance(cell, tuple) else cell for cell in cells)
    return text.getvalue()
