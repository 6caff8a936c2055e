"""Spreadsheets made on the spot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest


def sheet(folder: Path, rows: Sequence[Sequence[object]], name: str = "facts.xlsx") -> Path:
    """An XLSX file with one sheet."""
    book = workbook(rows)
    book.save(folder / name)
    return folder / name


def workbook(rows: Sequence[Sequence[object]]) -> Any:
    """A workbook with one sheet, to be changed and saved by a test."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    return book
