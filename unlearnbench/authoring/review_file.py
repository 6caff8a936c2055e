"""The rows of a review table as a spreadsheet program may have left it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from unlearnbench.benchmark.tables.encoding import table_text
from unlearnbench.errors import BenchmarkError, UnreadableError
from unlearnbench.files.reading import read_bytes

MOST_BYTES = 256 * 1024 * 1024
_DELIMITERS = (",", ";", "\t")
_NEEDED = ("question", "candidate", "doubts", "decision", "text", "key")
_WORKBOOK = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class ReviewRecord:
    """A row as it stands in the file, by column; `where` is `file:row`, the header being row 1."""

    where: str
    cells: Mapping[str, str]


def records_of(path: Path) -> list[ReviewRecord]:
    """Every row that is not empty.

    Commas, semicolons or tabs, any line ends, any order of rows and columns, further columns and
    trailing empty cells are taken. Raises `BenchmarkError` for what is no such table.
    """
    text = _text(path)
    for delimiter in _DELIMITERS:
        names = _names(text, delimiter)
        if set(_NEEDED) <= set(names):
            rows = _rows(text, delimiter, path)
            next(rows)
            _check_names(names, path)
            return [r for r in (_record(n, row, names, path) for n, row in rows) if r is not None]
    lacking = f"it needs columns {', '.join(_NEEDED)}, with commas, semicolons or tabs between them"
    raise BenchmarkError(
        "no-review", path.name, f"its first row is no header of a review; {lacking}"
    )


def _text(path: Path) -> str:
    """The file's text. Raises `BenchmarkError` for another encoding, or a workbook."""
    try:
        data = read_bytes(path, MOST_BYTES)
    except UnreadableError as error:
        raise BenchmarkError("unreadable", str(path), error.what) from error
    if data.startswith(_WORKBOOK):
        what = "it is a workbook, not a table; save it as “CSV UTF-8”"
        raise BenchmarkError("not-utf-8", path.name, what)
    return table_text(data, path.name)


def _names(text: str, delimiter: str) -> list[str]:
    """The cells of the first row that has any, if this is what divides them."""
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    first = next((row for row in lines if _is_row(row)), [])
    return [cell.strip().casefold() for cell in first]


def _is_row(row: list[str]) -> bool:
    """Whether a row holds anything, and not only the delimiter as a hint to a program."""
    return any(cell.strip() for cell in row) and not row[0].lower().startswith("sep=")


def _rows(text: str, delimiter: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows with anything in them, numbered as a spreadsheet program does."""
    csv.field_size_limit(MOST_BYTES)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            what = f"{error}: is a quotation mark not closed, or not doubled inside a cell?"
            raise BenchmarkError("not-csv", f"{path.name}:{number + 1}", what) from error
        number += 1
        if _is_row(row):
            yield number, row


def _check_names(names: list[str], path: Path) -> None:
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise BenchmarkError("no-review", path.name, f"column {twice!r} is there twice")


def _record(number: int, row: list[str], names: list[str], path: Path) -> ReviewRecord | None:
    where = f"{path.name}:{number}"
    if any(cell.strip() for cell in row[len(names) :]):
        what = (
            f"{len(row)} cells, the header has {len(names)}: is a cell with a delimiter unquoted?"
        )
        raise BenchmarkError("too-many-cells", where, what)
    cells = dict(zip(names, (*row, *[""] * len(names)), strict=False))
    return ReviewRecord(where, {name: cell for name, cell in cells.items() if name})
