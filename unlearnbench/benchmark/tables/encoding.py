"""From a table's bytes to text: UTF-8 only, with a guess at what anything else is."""

from __future__ import annotations

import codecs
from codecs import BOM_UTF8

from unlearnbench.benchmark.tables.table import table_fault

_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_SAMPLE = 4096
_AROUND = 12


def table_text(data: bytes, name: str) -> str:
    """A table's text. Raises `TableError` that says which encoding it looks like."""
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    if marked is not None:
        raise table_fault(name, name, f"it is {marked}, not UTF-8; {_advice(marked, name)}")
    try:
        text = data.removeprefix(BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        raise table_fault(
            name, f"{name}:{_line(data, error.start)}", _guess(data, error.start, name)
        ) from (error)
    if "\0" in text:
        byte_order = _byte_order(data)
        if byte_order is not None:
            what = f"it looks like {byte_order} without a mark; {_advice(byte_order, name)}"
            raise table_fault(name, name, what)
    return text


def _line(data: bytes, offset: int) -> int:
    return data.count(b"\n", 0, offset) + 1


def _byte_order(data: bytes) -> str | None:
    """UTF-16 by where its zero bytes are, or None."""
    sample = data[:_SAMPLE]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if max(even, odd) < len(sample) // 8:
        return None
    return "UTF-16LE" if odd > even else "UTF-16BE"


def _guess(data: bytes, offset: int, name: str) -> str:
    """What a text that is no UTF-8 is: the words around its first odd byte, read another way."""
    byte_order = _byte_order(data)
    if byte_order is not None:
        return f"not UTF-8; it looks like {byte_order}; {_advice(byte_order, name)}"
    around = data[max(0, offset - _AROUND) : offset + _AROUND].decode("cp1252", "replace")
    words = " ".join(around.split()).strip(",; ")
    seen = f"byte 0x{data[offset]:02x}"
    guess = f"as Windows-1252 (Latin-1) the text there reads {words!r}"
    return f"not UTF-8 ({seen}); {guess}; if that is right, {_advice('WINDOWS-1252', name)}"


def _advice(encoding: str, name: str) -> str:
    return f"save it as “CSV UTF-8”, or run: iconv -f {encoding} -t UTF-8 {name}"
