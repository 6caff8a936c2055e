"""The parts of a reply's entry: lists of texts, on one line each, that can be stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unlearnbench.paraphrasing.llm.items import Entry
from unlearnbench.remote.prompts import Schema

LONGEST = 2000
"""Most characters of a text in a reply; a longer one is dropped."""
STRING: Mapping[str, object] = {"type": "string"}
STRINGS: Mapping[str, object] = {"type": "array", "items": STRING}


def object_of(fields: Mapping[str, object]) -> Mapping[str, object]:
    """The JSON schema of an object with just these fields."""
    return {
        "type": "object",
        "properties": dict(fields),
        "required": list(fields),
        "additionalProperties": False,
    }


def entries_schema(name: str, fields: Mapping[str, object]) -> Schema:
    """The schema of a reply with one entry of these fields under each id."""
    entry = object_of({"id": STRING, **fields})
    return Schema(name, object_of({"facts": {"type": "array", "items": entry}}))


def text_in(value: object) -> str:
    """A text on one line; empty for what is none, is too long or cannot be stored."""
    text = " ".join(value.split()) if isinstance(value, str) else ""
    broken = any("\ud800" <= character <= "\udfff" for character in text)
    return "" if broken or len(text) > LONGEST else text


def texts_in(value: object) -> list[str]:
    """The texts of a list, without those that cannot be used."""
    texts = map(text_in, value if isinstance(value, list) else ())
    return [text for text in texts if text]


def rows_in(entry: Entry, name: str, columns: Sequence[str]) -> list[Mapping[str, object]]:
    """The objects of a list; of a reply in lines, those that its lines under `columns` make.

    Lines are joined by their number, so there must be equally many of each.
    """
    rows = entry.get(name)
    if isinstance(rows, list):
        return [row for row in rows if isinstance(row, dict)]
    lists = [value if isinstance(value := entry.get(c), list) else [] for c in columns]
    if len({len(values) for values in lists}) != 1:
        return []
    return [dict(zip(columns, values, strict=True)) for values in zip(*lists, strict=True)]
