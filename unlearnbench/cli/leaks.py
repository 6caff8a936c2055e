"""The fact × probe matrix of a run, and all answers about one fact."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from unlearnbench.cli.common import stdout
from unlearnbench.content import nearest
from unlearnbench.errors import RunError

if TYPE_CHECKING:
    from unlearnbench.protocol.run import Run
    from unlearnbench.types import Verdict

_MARKS: dict[Verdict | None, str] = {"correct": "●", "incorrect": "·", None: "?"}


def print_leaks(run: Run, as_json: bool) -> None:
    """One line a forget fact, one mark a probe, grouped by context and style."""
    if as_json:
        record = {
            fact: {str(key): verdict for key, verdict in probes.items()}
            for fact, probes in run.leaks.items()
        }
        print(json.dumps(record, indent=2))
        return
    from rich.table import Table

    table = Table(title="● answered   · not answered   ? open", title_justify="left")
    table.add_column("fact")
    groups = dict.fromkeys((key.context, key.style) for f in run.leaks.values() for key in f)
    for context, style in groups:
        table.add_column(f"{context}\n{style}", no_wrap=True)
    table.add_column("leaks", justify="right")
    for fact, probes in run.leaks.items():
        cells = [
            "".join(_MARKS[v] for key, v in probes.items() if (key.context, key.style) == group)
            for group in groups
        ]
        leaked = sum(verdict == "correct" for verdict in probes.values())
        table.add_row(fact, *cells, f"{leaked}/{len(probes)}")
    stdout().print(table)


def print_fact(run: Run, fact: str, as_json: bool) -> None:
    """Every question and answer of one fact. Raises `RunError` with the nearest id."""
    rows = [row for row in run.rows() if row["fact"] == fact]
    if not rows:
        known = {probe.key.fact for probe in run.probes}
        raise RunError(f"{run.path} has no fact {fact!r}; {nearest(fact, known)}")
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"{fact}: {rows[0]['answer']}", title_justify="left", show_lines=True)
    for name in ("", "phrasing", "context", "question", "response"):
        table.add_column(name)
    for row in rows:
        said = row["response"] if row["response"] is not None else row["error"]
        mark = _MARKS[row["verdict"]]
        # Text, not markup: what a model wrote must not be read as formatting.
        table.add_row(mark, row["phrasing"], row["context"], Text(row["question"]), Text(str(said)))
    stdout().print(table)
