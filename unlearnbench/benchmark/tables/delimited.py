"""CSV and TSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator
from pathlib import Path

from unlearnbench.benchmark.tables.encoding import table_text
from unlearnbench.benchmark.tables.table import (
    MOST_FILE_BYTES,
    MOST_ROWS,
    Faults,
    UserRow,
    UserTable,
    check_size,
    table_fault,
)
from unlearnbench.files.reading import read_bytes

DELIMITERS = {".csv": ",;\t", ".tsv": "\t"}
"""By suffix; a spreadsheet writes semicolons where the comma is the decimal sign."""
_MOST_CELL = 1_000_000
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab"}


def read_delimited(path: Path, wanted: Collection[str]) -> UserTable:
    """The table in a CSV or TSV file; `wanted` are the columns by which its delimiter is told.

    Raises `TableError` with every row that has another number of cells than the header.
    """
    text = table_text(read_bytes(path, MOST_FILE_BYTES), path.name)
    first, _, rest = text.partition("\n")
    skipped = 0
    if first.strip().lower() in ("sep=,", "sep=;", "sep=\t"):  # written by spreadsheets
        text, skipped = rest, 1
    delimiter = _delimiter(text, DELIMITERS[path.suffix.lower()], wanted)
    lines = _lines(text, delimiter, path.name, skipped)
    faults = Faults(path.name)
    header = next(lines, None)
    if header is None:
        raise table_fault(path.name, path.name, "empty: the first row must name the columns")
    columns = tuple(cell.strip() for cell in header[1])
    rows = list(_rows(lines, columns, faults, delimiter, path.name))
    check_size(path.name, len(rows), len(columns))
    faults.check()
    return UserTable(path.name, columns, tuple(rows))


def _delimiter(text: str, candidates: str, wanted: Collection[str]) -> str:
    """The delimiter by which the header holds most of the wanted columns, or else most columns."""
    header = text.lstrip().partition("\n")[0]

    def fit(delimiter: str) -> tuple[int, int]:
        cells = [c.strip().strip('"').strip().casefold() for c in header.split(delimiter)]
        return sum(name.casefold() in cells for name in wanted), len(cells)

    return max(candidates, key=fit)


def _lines(text: str, delimiter: str, name: str, skipped: int) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line on which it begins; blank ones are left out."""
    csv.field_size_limit(_MOST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        began = reader.line_num + 1 + skipped
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise table_fault(name, f"{name}:{began}", _told(error)) from error
        if any(cell.strip() for cell in record):
            yield began, record


def _told(error: csv.Error) -> str:
    """What the reader of CSV means, and what to do."""
    text = str(error)
    if "unexpected end of data" in text:
        return "a quotation mark opens a cell here and is never closed"
    if "expected after" in text:
        return 'a quotation mark inside a quoted cell must be doubled ("")'
    if "field limit" in text:
        return f"a cell of more than {_MOST_CELL} characters: is a quotation mark not closed?"
    return f"not CSV: {text}"


def _rows(
    lines: Iterator[tuple[int, list[str]]],
    columns: tuple[str, ...],
    faults: Faults,
    delimiter: str,
    name: str,
) -> Iterator[UserRow]:
    for count, (line, record) in enumerate(lines, start=1):
        where = f"{name}:{line}"
        extra = [cell for cell in record[len(columns) :] if cell.strip()]
        if extra or len(record) < len(columns):
            what = f"{len(record)} cells, the header has {len(columns)}"
            hint = f"a {_NAMES[delimiter]} inside a cell needs quotation marks around the cell"
            faults.add(where, f"{what}; {hint}")
        elif count > MOST_ROWS:
            raise table_fault(name, name, f"more than {MOST_ROWS} rows: split the table")
        else:
            yield UserRow(where, dict(zip(columns, record, strict=False)))
