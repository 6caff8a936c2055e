"""JSON lines, Parquet and data sets of the hub: rows whose cells have types."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from unlearnbench.benchmark.hub import load_hub_rows
from unlearnbench.benchmark.tables.encoding import table_text
from unlearnbench.benchmark.tables.table import (
    MOST_FILE_BYTES,
    Cell,
    Faults,
    UserRow,
    UserTable,
    check_size,
    table_fault,
)
from unlearnbench.environment import extra
from unlearnbench.errors import UnreadableError
from unlearnbench.files.reading import parse_json, read_bytes

_HUB = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)"
    r"(?::(?P<config>[\w.-]+))?(?:/(?P<split>[\w.-]+))?",
    re.ASCII,
)


def read_json_lines(path: Path) -> UserTable:
    """The table in a file of JSON objects, one a line, or in one JSON list of objects.

    Raises `TableError` with every line that is no object of texts.
    """
    text = table_text(read_bytes(path, MOST_FILE_BYTES), path.name)
    faults = Faults(path.name)
    records: list[tuple[str, object]] = []
    if text.lstrip().startswith("["):
        listed = _parsed(text, path.name, faults)
        for number, value in enumerate(listed if isinstance(listed, list) else (), start=1):
            records.append((f"{path.name}:{number}", value))
    else:
        for number, line in enumerate(text.split("\n"), start=1):
            if line.strip():
                where = f"{path.name}:{number}"
                records.append((where, _parsed(line, where, faults)))
    faults.check()
    return _table(path.name, records, faults, exact=False)


def _parsed(text: str, where: str, faults: Faults) -> object:
    try:
        value: object = parse_json(text, where)
    except UnreadableError as error:
        faults.add(where, error.what)
        return {}
    return value


def read_parquet(path: Path) -> UserTable:
    """The table in a Parquet file. Raises `TableError` with every cell that is no text."""
    data = read_bytes(path, MOST_FILE_BYTES)
    parquet, arrow = extra("pyarrow.parquet", "tables"), extra("pyarrow", "tables")
    try:
        file = parquet.ParquetFile(io.BytesIO(data))
        check_size(path.name, file.metadata.num_rows, file.metadata.num_columns)
        rows = file.read().to_pylist()
    except (arrow.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0][:120]
        raise table_fault(path.name, path.name, f"not a Parquet file: {reason}") from error
    located = [(f"{path.name}:{number}", row) for number, row in enumerate(rows, start=1)]
    return _table(path.name, located, Faults(path.name), exact=True)


def read_hub(address: str) -> UserTable:
    """The rows of a data set of the hub: `OWNER/NAME`, `OWNER/NAME:CONFIG`, either with `/SPLIT`.

    Raises `TableError` for another address or rows that are no texts, `BenchmarkError` if the hub
    does not answer.
    """
    match = _HUB.fullmatch(address)
    if match is None:
        what = "give hub:OWNER/NAME, hub:OWNER/NAME:CONFIG, and /SPLIT after either"
        raise table_fault(f"hub:{address}", f"hub:{address}", what)
    name, config, split = match["name"], match["config"], match["split"]
    found = load_hub_rows(name, config, split or "train")
    rows = [(f"{name}:{number}", row) for number, row in enumerate(found.rows, start=1)]
    table = _table(name, rows, Faults(name), exact=True)
    return UserTable(name, table.columns, table.rows, (f"{name} at revision {found.revision}",))


def _table(
    name: str, records: Iterable[tuple[str, object]], faults: Faults, exact: bool
) -> UserTable:
    """A table of records. `exact`: whole numbers of the format have one spelling."""
    columns: dict[str, None] = {}
    rows = []
    for where, record in records:
        if not isinstance(record, Mapping):
            faults.add(where, "not an object with the columns as its names")
            continue
        cells = {str(key): value for key, value in record.items()}
        columns |= dict.fromkeys(cells)
        rows.append(UserRow(where, dict(_cells(cells, where, faults, exact))))
    check_size(name, len(rows), len(columns))
    faults.check()
    return UserTable(name, tuple(columns), tuple(rows))


def _cells(
    record: Mapping[str, object], where: str, faults: Faults, exact: bool
) -> Iterator[tuple[str, Cell]]:
    for column, value in record.items():
        if value is None:
            yield column, ""
        elif isinstance(value, str):
            yield column, value
        elif isinstance(value, list) and all(isinstance(member, str) for member in value):
            yield column, tuple(value)
        elif exact and isinstance(value, int) and not isinstance(value, bool):
            yield column, str(value)
        else:
            kind = type(value).__name__
            faults.add(where, f"{column} is no text but {kind} {str(value)[:40]}; store it as text")
