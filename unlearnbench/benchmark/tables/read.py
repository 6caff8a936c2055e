"""A user's table by its name: a file of a known suffix, or a data set of the hub."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from unlearnbench.benchmark.tables.delimited import DELIMITERS, read_delimited
from unlearnbench.benchmark.tables.records import read_hub, read_json_lines, read_parquet
from unlearnbench.benchmark.tables.spreadsheet import read_spreadsheet
from unlearnbench.benchmark.tables.table import UserTable, table_fault
from unlearnbench.errors import TableError

_HUB = "hub:"
_SUFFIXES = ".csv, .tsv, .xlsx, .jsonl, .json or .parquet"
_OTHERS = {
    ".xls": "save it as .xlsx",
    ".xlsm": "save it as .xlsx",
    ".ods": "save it as .xlsx or .csv",
    ".numbers": "export it as .xlsx or .csv",
    ".txt": "name it .csv or .tsv",
}


def read_table(source: str, wanted: Collection[str], sheet: str | None = None) -> UserTable:
    """Read a table: a path, or `hub:OWNER/NAME[:CONFIG][/SPLIT]`.

    Args:
        source: Its name.
        wanted: Columns that it may have, by which the delimiter of a CSV file is told.
        sheet: The sheet of a spreadsheet, where there are several.

    Raises:
        TableError: With every fault of its cells; or it cannot be read.
        UnreadableError: There is no such file.
    """
    path = Path(source).expanduser()
    suffix = path.suffix.lower()
    if sheet is not None and (suffix != ".xlsx" or source.startswith(_HUB)):
        raise table_fault(source, f"--sheet {sheet}", "only a spreadsheet (.xlsx) has sheets")
    if source.startswith(_HUB):
        return read_hub(source.removeprefix(_HUB))
    if suffix in DELIMITERS:
        return read_delimited(path, wanted)
    if suffix == ".xlsx":
        return read_spreadsheet(path, sheet)
    if suffix in (".jsonl", ".json", ".ndjson"):
        return read_json_lines(path)
    if suffix == ".parquet":
        return read_parquet(path)
    raise _unknown(source, suffix)


def _unknown(source: str, suffix: str) -> TableError:
    hint = _OTHERS.get(suffix, f"a table is {_SUFFIXES}, or hub:OWNER/NAME")
    what = f"no table that can be read ({suffix or 'no suffix'}); {hint}"
    return table_fault(source, source, what)
