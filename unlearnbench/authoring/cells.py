"""Cells of a CSV file that people open in spreadsheet programs.

A cell that such a program would run as a formula is written with an apostrophe before it and read
without. Hidden characters are written as `[U+200B]`, so that whoever decides can see them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from unlearnbench.display import visible_text

BOM = "\ufeff"
"""Without it, spreadsheet programs take UTF-8 for something else."""
MOST_CELL = 30_000
"""Letters of a cell; spreadsheet programs cut longer ones at 32,767 without a word."""
# After a semicolon, a tab or a line end too: a program that expects another delimiter begins a cell
# there, whatever the quotation marks say.
_START = r"(?:^|(?<=[;\t\r\n]))"
_RUN = r"(?='*[ \u00a0\u2000-\u200a\u3000]*[=+@＝＋＠\-－\t\r])"
_FORMULA, _NEUTRAL = re.compile(_START + _RUN), re.compile(f"{_START}'{_RUN}")
_ESCAPED = re.compile(r"\[U\+([0-9A-F]{4,6})\]")


def neutral(text: str) -> str:
    """A text that no spreadsheet program runs; `restored` gives the text back."""
    return _FORMULA.sub("'", text)


def restored(cell: str) -> str:
    """The text that `neutral` made a cell of."""
    return _NEUTRAL.sub("", cell)


def shown_cell(text: str) -> str:
    """A text as people see it: hidden characters spelt out, and cut if it is too long."""
    seen = visible_text(text)
    return seen if len(seen) <= MOST_CELL else f"{seen[:MOST_CELL]}…"


def typed_text(cell: str) -> str:
    """What somebody typed into a cell, on one line; `[U+200D]` is the character again."""
    text = _ESCAPED.sub(_character, restored(cell))
    return " ".join(text.split())


def _character(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else match[0]


def csv_text(rows: Iterable[Sequence[str]]) -> str:
    """The content of a CSV file: UTF-8 mark, every cell in quotation marks and neutral, CRLF."""
    return BOM + "".join(",".join(map(_quoted, row)) + "\r\n" for row in rows)


def _quoted(text: str) -> str:
    doubled = neutral(text).replace('"', '""')
    return f'"{doubled}"'
