"""What the commands share that measure a checkpoint as other people define it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from unlearnbench.cli import complete
from unlearnbench.cli.output import stdout

Measured = Annotated[
    str,
    typer.Argument(
        help="Hub id (owner/name@revision), folder, PEFT adapter, .gguf file or alias "
        "(smollm2-135m); none with --export.",
        autocompletion=complete.aliases,
        show_default=False,
    ),
]
ResultFile = Annotated[
    Path | None,
    typer.Option(
        "--out",
        help="Write the result as JSON to this file; responses are kept beside it until then.",
    ),
]
_SHOWN = 10


def figure_or_dash(value: float | None, digits: int = 4) -> str:
    """A metric for people: a dash where something that it needs is missing."""
    return "–" if value is None else f"{value:.{digits}f}"


def print_lines(lines: Iterable[str]) -> None:
    """Sentences below a table, as they are."""
    for line in lines:
        stdout().print(line, markup=False, soft_wrap=True)


def print_open(names: list[str], of: str = "") -> None:
    """The first of what got no answer, and how many more there are."""
    about = f"{of}: " if of else ""
    print_lines(f"open: {about}{name}" for name in islice(names, _SHOWN))
    if len(names) > _SHOWN:
        print_lines([f"open: {about}{len(names) - _SHOWN} more"])
