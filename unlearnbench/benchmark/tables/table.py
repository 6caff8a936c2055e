"""A user's table as text, whatever it was stored as, and the faults found in it.

Cells are texts as they stand in the file: `007`, `1e5`, `NA` and `true` stay what they are. Where a
file holds something that is no text and has no one spelling (a date, a formula), that is a fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from unlearnbench.errors import TableError

MOST_ROWS = 500_000
MOST_COLUMNS = 200
MOST_FILE_BYTES = 64 * 1024 * 1024
MOST_LISTED = 40
"""Faults of a table that are listed; the others are counted."""

Cell = str | tuple[str, ...]
"""A text, or the members of a list where the format has lists."""


@dataclass(frozen=True, slots=True)
class UserRow:
    """One row: its `file:row`, and its cells by column."""

    where: str
    cells: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class UserTable:
    """A table that could be read. `notes`: what its reader left out or took for granted."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[UserRow, ...]
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Faults:
    """The faults of one table, collected so that all are told at once."""

    table: str
    found: list[str] = field(default_factory=list)

    def add(self, where: str, what: str) -> None:
        """Note a fault at a place, `file:row`."""
        self.found.append(f"{where}: {what}")

    def check(self) -> None:
        """Raise `TableError` if there are any."""
        if self.found:
            shown, more = self.found[:MOST_LISTED], len(self.found) - MOST_LISTED
            rest = (f"and {more} more",) if more > 0 else ()
            raise TableError(self.table, (*shown, *rest), len(self.found))


def table_fault(table: str, where: str, what: str) -> TableError:
    """The error for a table that cannot be read any further."""
    return TableError(table, (f"{where}: {what}",), 1)


def check_size(name: str, rows: int, columns: int) -> None:
    """Raise `TableError` for a table larger than any benchmark."""
    if rows > MOST_ROWS:
        what = f"{rows} rows; at most {MOST_ROWS} are taken: split the table"
        raise table_fault(name, name, what)
    if columns > MOST_COLUMNS:
        raise table_fault(name, name, f"{columns} columns; at most {MOST_COLUMNS} are taken")


def shown(text: str, length: int = 60) -> str:
    """A cell as a fault quotes it: on one line, cut if it is long."""
    line = " ".join(text.split())
    return repr(line if len(line) <= length else f"{line[:length]}…")
