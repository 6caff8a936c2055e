"""The fact × probe matrix of a run, and all answers about one fact."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from unlearnbench.cli.output import stdout
from unlearnbench.errors import RunError
from unlearnbench.naming import nearest

if TYPE_CHECKING:
    from unlearnbench.runs.run import Run
    from unlearnbench.types import Context, ProbeKey, Verdict

_MARKS: dict[Verdict | None, str] = {"correct": "●", "incorrect": "·", None: "?"}


def print_leaks(run: Run, as_json: bool) -> None:
    """One line per forget fact, one mark per probe, grouped by context and style."""
    if as_json:
        record = {
            fact: {str(key): verdict for key, verdict in probes.items()}
            for fact, probes in run.leaks.items()
        }
        print(json.dumps(record, indent=2))
        return
    from unlearnbench.cli.output import table

    keys = [key for probes in run.leaks.values() for key in probes]
    contexts = list(dict.fromkeys(key.context for key in keys))
    styles = list(dict.fromkeys(key.style for key in keys))
    view = table("● answered   · not answered   ? open", "fact", *contexts, left=1 + len(contexts))
    view.add_column("leaks", justify="right")
    for fact, probes in run.leaks.items():
        cells = [_marks(probes, context, styles) for context in contexts]
        leaked = sum(verdict == "correct" for verdict in probes.values())
        view.add_row(fact, *cells, f"{leaked}/{len(probes)}")
    console = stdout()
    console.print(view)
    console.print(f"marks in this order, with a gap between styles: {', '.join(styles)}")


def _marks(
    probes: Mapping[ProbeKey, Verdict | None], context: Context, styles: Sequence[str]
) -> str:
    """A fact's marks in one context, one group per style."""
    groups = (
        "".join(
            _MARKS[verdict]
            for key, verdict in probes.items()
            if (key.context, key.style) == (context, style)
        )
        for style in styles
    )
    return " ".join(group for group in groups if group)


def print_fact(run: Run, fact: str, as_json: bool) -> None:
    """Every question and answer of one fact. Raises `RunError` with the nearest id."""
    rows = [row for row in run.rows() if row.fact == fact]
    if not rows:
        facts = {probe.key.fact for probe in run.probes}
        raise RunError(f"{run.path} has no fact {fact!r}; {nearest(fact, facts)}")
    if as_json:
        print(json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False))
        return
    from unlearnbench.cli.output import table

    headings = ("", "phrasing", "context", "question", "response")
    view = table(f"{fact}: {rows[0].answer}", *headings, left=len(headings))
    view.show_lines = True
    for row in rows:
        text = row.response if row.response is not None else row.error
        mark = _MARKS[row.verdict]
        view.add_row(mark, row.phrasing, row.context, row.question, str(text))
    stdout().print(view)
