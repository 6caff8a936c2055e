"""Compressed files: the same bytes give the same file, and a foreign one is expanded in bounds."""

from __future__ import annotations

import gzip
import zlib

from unlearnbench.errors import UnreadableError

_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00"
"""Deflate, no name, no comment, no time: nothing is hidden before the data."""


def compress(data: bytes) -> bytes:
    """`data` as gzip, without name and time."""
    return gzip.compress(data, mtime=0)


def expand(data: bytes, where: str, most: int) -> bytes:
    """The data in a file that `compress` wrote; never more than `most` bytes are expanded.

    Raises `UnreadableError` for another header, damage, anything after the data, or too much of it.
    """
    if not data.startswith(_HEADER):
        raise UnreadableError("not-gzip", where, "not gzip without name and time (`gzip -n`)")
    expander = zlib.decompressobj(wbits=31)
    try:
        expanded = expander.decompress(data, most + 1)
    except zlib.error as error:
        raise UnreadableError("not-gzip", where, f"damaged: {error}"[:120]) from error
    if len(expanded) > most:
        raise UnreadableError("too-large", where, f"expands to more than {most} bytes")
    if not expander.eof:
        raise UnreadableError("not-gzip", where, "cut off: its end is missing")
    if expander.unused_data:
        raise UnreadableError("not-gzip", where, "holds something after its end")
    return expanded
