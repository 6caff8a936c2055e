"""Cells as texts fit for a benchmark: on one line, with nothing hidden in them."""

from __future__ import annotations

import json
import re

from unlearnbench.benchmark.tables.table import Cell, Faults, UserRow, shown
from unlearnbench.display import hidden_character
from unlearnbench.errors import UnreadableError
from unlearnbench.files.reading import parse_json

_JOINERS = str.maketrans("", "", "\u200c\u200d")
"""Invisible, and a part of spelling in some scripts."""
_BREAKS = str.maketrans("\n\r\t\v\f", "     ")
_REPLACED = "\ufffd"
_LIST = re.compile(r"\s*\[")


def text_cell(row: UserRow, column: str, faults: Faults, needed: bool = False) -> str:
    """The text of a cell: blanks around it are dropped, runs of blanks and line ends are one blank.

    Hidden characters and text that another encoding has damaged are faults.
    """
    value = row.cells.get(column, "")
    if isinstance(value, tuple):
        faults.add(row.where, f"{column} is a list of {len(value)}; give one text")
        return ""
    text = clean(value)
    if needed and not text:
        faults.add(row.where, f"{column} is empty")
    check_characters(text, column, row.where, faults)
    return text


def clean(text: str) -> str:
    """A text on one line, without blanks at its ends."""
    return " ".join(text.translate(_BREAKS).split())


def check_characters(text: str, column: str, where: str, faults: Faults) -> None:
    """Note hidden characters, and signs that the text was read in the wrong encoding."""
    if text.isascii() and text.isprintable():
        return
    hidden = hidden_character(text.translate(_JOINERS))
    if _REPLACED in text:
        what = "holds U+FFFD, which stands for a character that was lost; mend it at the source"
        faults.add(where, f"{column} {what}: {shown(text)}")
    elif hidden is not None:
        faults.add(where, f"{column} holds the hidden character {hidden}; delete it: {shown(text)}")
    elif (meant := _undamaged(text)) is not None:
        what = "was saved in UTF-8 and read in another encoding"
        faults.add(where, f"{column} {what}: {shown(text)} for {shown(meant)}")


def _undamaged(text: str) -> str | None:
    """What a text was before its UTF-8 was read as Windows-1252; None for a sound text."""
    if text.isascii():
        return None
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return None


def list_cell(row: UserRow, column: str, faults: Faults) -> tuple[str, ...]:
    """The texts of a cell that holds several: a list, a JSON list, or texts separated by `|`."""
    value: Cell = row.cells.get(column, "")
    members = _members(value, row.where, column, faults) if isinstance(value, str) else value
    texts = tuple(dict.fromkeys(text for member in members if (text := clean(member))))
    for text in texts:
        check_characters(text, column, row.where, faults)
    return texts


def _members(value: str, where: str, column: str, faults: Faults) -> tuple[str, ...]:
    if _LIST.match(value):
        try:
            parsed = parse_json(value, where)
        except UnreadableError:
            parsed = None
        if isinstance(parsed, list) and all(isinstance(member, str) for member in parsed):
            return tuple(parsed)
        example = json.dumps(["one", "other"])
        faults.add(where, f"{column} begins with [ and is no JSON list of texts, like {example}")
        return ()
    if "|" not in value and (";" in value or "\n" in value.strip()):
        what = f"several are separated by |; if {shown(value)} is one, write it as a JSON list"
        faults.add(where, f"{column}: {what}")
        return ()
    return tuple(value.split("|"))
