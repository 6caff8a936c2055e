"""Which column is which: by its name, or as the user says with `--column`."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from unlearnbench.benchmark.tables.table import Faults, UserRow, UserTable
from unlearnbench.naming import nearest

_ALIKE = 0.75
"""A column that is so much like one of ours, and is none, is taken for a slip."""


def with_columns(
    table: UserTable, known: Sequence[str], needed: Sequence[str], named: Mapping[str, str]
) -> UserTable:
    """The table with the columns in `known` alone, under these names; case does not matter.

    `named`: the table's own name of a known column. Raises `TableError` for a needed column that is
    missing, a name that is not there, or a column that looks like a misspelt one.
    """
    faults = Faults(table.name)
    where = f"{table.name}:1"
    twice = [name for name, n in Counter(map(_folded, table.columns)).items() if n > 1 and name]
    for name in twice:
        faults.add(where, f"column {name!r} is there twice")
    chosen = _chosen(table, known, named, faults)
    for name in needed:
        if name not in chosen and name not in named:
            have = [column for column in table.columns if column]
            hint = f"name yours with --column {name}=…; {nearest(name, have)}"
            faults.add(where, f"no column {name!r}; {hint}")
    left = [c for c in table.columns if c and c not in chosen.values()]
    for column in left:
        close = difflib.get_close_matches(_folded(column), set(known) - set(chosen), 1, _ALIKE)
        if close:
            what = f"column {column!r}: is {close[0]!r} meant? Rename it, or give --column "
            faults.add(where, f"{what}{close[0]}={column}")
    faults.check()
    rows = tuple(
        UserRow(row.where, {ours: row.cells.get(theirs, "") for ours, theirs in chosen.items()})
        for row in table.rows
    )
    unused = (f"columns not used: {', '.join(left)}",) if left else ()
    return replace(table, columns=tuple(chosen), rows=rows, notes=(*table.notes, *unused))


def _chosen(
    table: UserTable, known: Sequence[str], named: Mapping[str, str], faults: Faults
) -> dict[str, str]:
    """Our name of each column -> the table's."""
    by_name = {_folded(column): column for column in table.columns}
    chosen = {}
    for ours, theirs in named.items():
        if ours not in known:
            faults.add(f"--column {ours}={theirs}", f"no column of ours; {nearest(ours, known)}")
        elif _folded(theirs) not in by_name:
            hint = nearest(theirs, [column for column in table.columns if column])
            faults.add(f"--column {ours}={theirs}", f"{table.name} has no such column; {hint}")
        else:
            chosen[ours] = by_name[_folded(theirs)]
    for ours in known:
        if ours not in named and ours in by_name and by_name[ours] not in chosen.values():
            chosen[ours] = by_name[ours]
    return {name: chosen[name] for name in known if name in chosen}


def _folded(name: str) -> str:
    return name.strip().casefold()
