"""XLSX: one sheet of plain texts.

What a cell shows is not always what it holds. Texts and plain numbers are taken; a formula, a date,
a number in a format of its own, merged and hidden cells are faults, each named by its cell.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from unlearnbench.benchmark.tables.table import (
    MOST_COLUMNS,
    MOST_FILE_BYTES,
    MOST_ROWS,
    Faults,
    UserRow,
    UserTable,
    check_size,
    table_fault,
)
from unlearnbench.environment import extra
from unlearnbench.files.reading import read_bytes
from unlearnbench.naming import nearest

_MOST_EXPANDED = 256 * 1024 * 1024
_PLAIN_FORMATS = frozenset(["General", "0", "@"])
_MOST_DIGITS = 11
"""Above so many digits a spreadsheet shows a plain number in another way than it holds it."""
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def read_spreadsheet(path: Path, sheet: str | None) -> UserTable:
    """The table on a sheet: the one called `sheet`, or the only one that is shown and not empty.

    Raises `TableError` with every cell at fault.
    """
    data = read_bytes(path, MOST_FILE_BYTES)
    _check_zip(data, path.name)
    openpyxl = extra("openpyxl", "tables")
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), data_only=False, keep_links=False)
    except Exception as error:  # openpyxl has no error of its own for a bad file
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise table_fault(path.name, path.name, f"cannot be read as XLSX: {reason}") from error
    page, notes = _chosen(book, sheet, path.name)
    check_size(path.name, min(page.max_row, MOST_ROWS), min(page.max_column, MOST_COLUMNS))
    faults = Faults(path.name)
    _check_layout(page, faults, path.name)
    rows = list(_rows(page, faults, path.name))
    faults.check()
    if not rows:
        raise table_fault(path.name, path.name, f"sheet {page.title!r} is empty")
    (_, header), *body = rows
    columns = tuple(text.strip() for text in header)
    return UserTable(path.name, columns, tuple(_body(body, columns, path.name)), notes)


def _check_zip(data: bytes, name: str) -> None:
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        what = "an old .xls, or protected by a password; save it as .xlsx without one"
        raise table_fault(name, name, what)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            expanded = sum(part.file_size for part in parts.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise table_fault(name, name, "not an XLSX file") from error
    if expanded > _MOST_EXPANDED:
        raise table_fault(name, name, f"expands to {expanded} bytes; save its table as CSV")


def _chosen(book: Any, sheet: str | None, name: str) -> tuple[Any, tuple[str, ...]]:
    """The sheet to read, and a note on those that are not read."""
    pages = list(book.worksheets)
    if sheet is not None:
        chosen = [page for page in pages if page.title == sheet]
        if not chosen:
            what = f"--sheet {sheet}: {nearest(sheet, [page.title for page in pages])}"
            raise table_fault(name, name, what)
    else:
        chosen = [p for p in pages if p.sheet_state == "visible" and _is_filled(p)]
        if len(chosen) > 1:
            titles = ", ".join(repr(page.title) for page in chosen)
            raise table_fault(name, name, f"several sheets ({titles}); name one with --sheet")
        if not chosen:
            what = "no sheet that is shown has a row; name a hidden one with --sheet"
            raise table_fault(name, name, what)
    left = [p.title for p in pages if p is not chosen[0] and _is_filled(p)]
    notes = (f"sheets not read: {', '.join(map(repr, left))}",) if left else ()
    return chosen[0], notes


def _is_filled(page: Any) -> bool:
    return any(cell.value is not None for row in page.iter_rows() for cell in row)


def _check_layout(page: Any, faults: Faults, name: str) -> None:
    for area in page.merged_cells.ranges:
        faults.add(f"{name}:{area.min_row}", f"{area.coord} are merged; split them and fill each")
    for number, row in page.row_dimensions.items():
        if row.hidden and any(cell.value is not None for cell in page[number]):
            faults.add(f"{name}:{number}", "the row is hidden; show it, or delete it")
    for letter, column in page.column_dimensions.items():
        if column.hidden and any(cell.value is not None for cell in page[letter]):
            faults.add(f"{name}:1", f"column {letter} is hidden; show it, or delete it")


def _rows(page: Any, faults: Faults, name: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, each with its number."""
    if page.max_row > MOST_ROWS and _filled_rows(page) > MOST_ROWS + 1:
        raise table_fault(name, name, f"more than {MOST_ROWS} rows: split the table")
    for number, row in enumerate(page.iter_rows(), start=1):
        texts = [_text(cell, faults, f"{name}:{number}") for cell in row]
        if any(text.strip() for text in texts):
            yield number, texts


def _filled_rows(page: Any) -> int:
    return sum(any(cell.value is not None for cell in row) for row in page.iter_rows())


def _text(cell: Any, faults: Faults, where: str) -> str:
    """A cell as text; what is none is a fault."""
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "f":
        what = "is a formula; paste its value"
    elif cell.data_type == "e":
        what = f"is an error ({value})"
    elif isinstance(value, str):
        return value
    elif isinstance(value, bool):
        what = f"is {str(value).upper()}, a truth value; format the cell as text and type it again"
    elif cell.is_date or not isinstance(value, int | float):
        what = "is a date or a time; format the cell as text and type it again"
    else:
        text = str(int(value)) if float(value).is_integer() else repr(value)
        digits = len(text.lstrip("-").replace(".", ""))
        plain = cell.number_format in _PLAIN_FORMATS and digits <= _MOST_DIGITS
        if plain and _NUMBER.fullmatch(text):
            return text
        what = f"is the number {value} in format {cell.number_format!r}, which shows it in another "
        what += "way; format the cell as text and type it again"
    faults.add(where, f"{cell.coordinate} {what}")
    return "?"


def _body(
    rows: Sequence[tuple[int, list[str]]], columns: tuple[str, ...], name: str
) -> Iterator[UserRow]:
    for number, texts in rows:
        yield UserRow(f"{name}:{number}", dict(zip(columns, texts, strict=False)))
