"""Print text as it is: never as markup, and without control characters."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING

from unlearnbench.display import visible_text
from unlearnbench.environment import this_process

if TYPE_CHECKING:
    from rich.console import Console

from typing import Any

from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

WIDE = 72
"""Columns of a terminal in which a table has room for lines and explanations."""

NARROWEST = 40
SHORTEST = 5
"""Letters that stay together when a column of words is folded."""


class PlainConsole(Console):
    """A console for text from files, models and users: no markup, no emoji codes, no escapes."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False)
        if self.width < NARROWEST:  # COLUMNS=0 and the like, which nobody can have meant
            self.width = 80

    def on_broken_pipe(self) -> None:
        """Let the command line handle a reader that has gone."""
        raise BrokenPipeError

    def render_str(self, text: str, **options: Any) -> Text:
        """Make text visible; all printed text, and every cell and title, passes through here."""
        return super().render_str(visible_text(text), **options)


class _Readable(Table):
    """A table whose columns are never narrower than their numbers and the words of headings."""

    def add_row(self, *cells: Any, **options: Any) -> None:
        """Add a row; see `rich.table.Table.add_row`."""
        super().add_row(*cells, **options)
        for column, cell in zip(self.columns, cells, strict=False):
            words = [str(cell), *str(column.header).split()]
            if column.justify == "right":
                width = max(map(cell_len, words))
            else:
                width = min(SHORTEST, max(map(cell_len, words[1:] + words[0].split()), default=0))
            column.min_width = max(column.min_width or 0, width)


def strong(text: str, plain: str = "", bold: bool = True) -> Text:
    """A line that begins in bold."""
    return Text.assemble((visible_text(text), "bold" if bold else ""), visible_text(plain))


def table(title: str, *columns: str, left: int = 1) -> Table:
    """An empty table; the first `left` columns hold words, the others numbers.

    In a narrow terminal words are folded, never cut off, and numbers stay on one line.
    """
    view = _Readable(title=title, title_justify="left", title_style="bold")
    if PlainConsole().width < WIDE:
        view.box, view.padding = None, (0, 1, 0, 0)
    for number, heading in enumerate(columns):
        side: JustifyMethod = "left" if number < left else "right"
        fixed = side == "right" and " " not in heading
        view.add_column(heading, justify=side, overflow="fold", no_wrap=fixed)
    return view


def stdout() -> Console:
    """Where results go."""
    from unlearnbench.cli.output import PlainConsole

    return PlainConsole()


def stderr() -> Console:
    """Where progress goes."""
    from unlearnbench.cli.output import PlainConsole

    return PlainConsole(stderr=True)


class _Note(logging.Formatter):
    """A note on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """The note, without control characters."""
        return f"note: {visible_text(record.getMessage())}"


def quieten(quiet: bool) -> None:
    """Send the package's notes to stderr, and silence the libraries' messages.

    Of several processes only the first has anything to say but errors.
    """
    import os

    quiet = quiet or not this_process().first

    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TQDM_DISABLE", "1")
    logger = logging.getLogger("unlearnbench")
    logger.handlers = [logging.StreamHandler()]
    logger.handlers[0].setFormatter(_Note())
    logger.setLevel(logging.ERROR if quiet else logging.INFO)
    if quiet:
        warnings.simplefilter("ignore")
