"""XLSX: what a cell holds is taken only where it is what the cell shows."""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.spreadsheets import sheet, workbook
from unlearnbench.benchmark.tables.read import read_table
from unlearnbench.errors import TableError

ROWS = [["question", "answer"], ["Who won?", "Ann Lee"]]
Change = Callable[[Any], object]


def answers(path: Path, name: str | None = None) -> list[object]:
    return [row.cells["answer"] for row in read_table(str(path), ("question",), name).rows]


def saved(book: Any, folder: Path) -> Path:
    book.save(folder / "facts.xlsx")
    return folder / "facts.xlsx"


PLAIN = {
    "text": ("007", "007"),
    "number": (7, "7"),
    "decimals": (3.25, "3.25"),
    "year": (1990, "1990"),
}


@pytest.mark.parametrize("kind", PLAIN)
def test_texts_and_plain_numbers_are_taken(kind: str, tmp_path: Path) -> None:
    value, text = PLAIN[kind]
    assert answers(sheet(tmp_path, [*ROWS, ["How many?", value]])) == ["Ann Lee", text]


CELLS = {
    "formula": ("=1+1", None, "B3 is a formula; paste its value"),
    "date": (datetime.date(2021, 3, 4), None, "B3 is a date or a time"),
    "time": (datetime.time(12, 30), None, "B3 is a date or a time"),
    "truth value": (True, None, "B3 is TRUE, a truth value"),
    "leading zeros": (7, "000", "B3 is the number 7 in format '000'"),
    "percent": (0.5, "0%", "B3 is the number 0.5 in format '0%'"),
    "money": (12.5, "#,##0.00 €", "in format '#,##0.00 €'"),
    "long number": (123456789012345, None, "B3 is the number 123456789012345"),
    "long fraction": (1 / 3, None, "B3 is the number 0.3333333333333333"),
}


@pytest.mark.parametrize("kind", CELLS)
def test_what_shows_otherwise_than_it_is_stored_is_named(kind: str, tmp_path: Path) -> None:
    value, form, message = CELLS[kind]
    book = workbook([*ROWS, ["How many?", value]])
    if form is not None:
        book.active["B3"].number_format = form
    with pytest.raises(TableError, match=r"facts\.xlsx:3") as caught:
        answers(saved(book, tmp_path))
    assert message in str(caught.value)


LAYOUTS: dict[str, tuple[Change, str]] = {
    "merged": (lambda page: page.merge_cells("A3:A4"), "facts.xlsx:3: A3:A4 are merged"),
    "merged head": (lambda page: page.merge_cells("A1:B1"), "facts.xlsx:1: A1:B1 are merged"),
    "hidden row": (
        lambda page: setattr(page.row_dimensions[2], "hidden", True),
        "facts.xlsx:2: the row is hidden",
    ),
    "hidden column": (
        lambda page: setattr(page.column_dimensions["B"], "hidden", True),
        "facts.xlsx:1: column B is hidden",
    ),
}


@pytest.mark.parametrize("kind", LAYOUTS)
def test_merged_and_hidden_cells_are_named(kind: str, tmp_path: Path) -> None:
    change, message = LAYOUTS[kind]
    book = workbook([*ROWS, ["Who lost?", "Bo Day"], ["Who slept?", "Cy Fox"]])
    change(book.active)
    with pytest.raises(TableError) as caught:
        answers(saved(book, tmp_path))
    assert message in str(caught.value)


def test_all_cells_at_fault_are_named_at_once(tmp_path: Path) -> None:
    book = workbook([*ROWS, ["=A1", "=B1"], ["Who?", True]])
    with pytest.raises(TableError) as caught:
        answers(saved(book, tmp_path))
    assert caught.value.count == 3


def test_one_of_several_sheets_must_be_named(tmp_path: Path) -> None:
    book = workbook(ROWS)
    book.active.title = "one"
    other = book.create_sheet("two")
    for row in [["question", "answer"], ["Who lost?", "Bo Day"]]:
        other.append(row)
    book.create_sheet("empty")
    path = saved(book, tmp_path)
    with pytest.raises(TableError, match=r"several sheets \('one', 'two'\); name one with --sheet"):
        answers(path)
    assert answers(path, "two") == ["Bo Day"]
    with pytest.raises(TableError, match="did you mean 'two'"):
        answers(path, "tow")
    other.sheet_state = "hidden"
    table = read_table(str(saved(book, tmp_path)), ("question",))
    assert [row.cells["answer"] for row in table.rows] == ["Ann Lee"]
    assert table.notes == ("sheets not read: 'two'",)


def test_empty_rows_keep_the_numbers_of_the_others(tmp_path: Path) -> None:
    path = sheet(tmp_path, [ROWS[0], [None, None], ROWS[1]])
    (row,) = read_table(str(path), ("question",)).rows
    assert row.where == "facts.xlsx:3"


def _bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for number in range(3):
            file.writestr(f"xl/{number}.xml", b"0" * 100 * 1024 * 1024)


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "text": (lambda path: path.write_text("question,answer"), "not an XLSX file"),
    "old": (lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0" + b"0" * 99), "an old .xls, or"),
    "empty": (lambda path: path.write_bytes(b""), "not an XLSX file"),
    "another zip": (
        lambda path: zipfile.ZipFile(path, "w").writestr("a.txt", "x"),
        "cannot be read as XLSX",
    ),
    "bomb": (_bomb, "expands to 314572800 bytes"),
}


@pytest.mark.parametrize("kind", FILES)
def test_what_is_no_spreadsheet(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    write, message = FILES[kind]
    write(tmp_path / "facts.xlsx")
    with pytest.raises(TableError) as caught:
        answers(tmp_path / "facts.xlsx")
    assert message in str(caught.value)
