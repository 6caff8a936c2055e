"""Compressed files: one way to write them, and bounds on reading."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from unlearnbench.errors import UnreadableError
from unlearnbench.files.packed import compress, expand

TEXT = b'{"a": 1}\n' * 1000


def _named(data: bytes) -> bytes:
    file = io.BytesIO()
    with gzip.GzipFile("a-name.jsonl", "wb", fileobj=file, mtime=0) as packed:
        packed.write(data)
    return file.getvalue()


def _flipped(data: bytes) -> bytes:
    packed = bytearray(compress(data))
    packed[len(packed) // 2] ^= 0xFF
    return bytes(packed)


ODD: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "plain": (lambda data: data, "not gzip"),
    "empty": (lambda data: b"", "not gzip"),
    "dated": (lambda data: gzip.compress(data, mtime=1), "without name and time"),
    "named": (_named, "without name and time"),
    "zlib": (zlib.compress, "not gzip"),
    "cut": (lambda data: compress(data)[:-1], "cut off"),
    "cut-early": (lambda data: compress(data)[:20], "cut off"),
    "two-members": (lambda data: compress(data) + compress(data), "after its end"),
    "trailing": (lambda data: compress(data) + b"\0", "after its end"),
    "wrong-sum": (lambda data: compress(data)[:-8] + b"\0" * 8, "damaged"),
    "flipped": (_flipped, "damaged|cut off"),
    "too-much": (lambda data: compress(data + b"x"), "more than 9000 bytes"),
}


@pytest.mark.parametrize("data", [b"", b"x", TEXT], ids=["empty", "one", "lines"])
def test_what_is_packed_is_unpacked(data: bytes) -> None:
    assert compress(data) == compress(data)
    assert expand(compress(data), "f", len(TEXT)) == data


@pytest.mark.parametrize("name", ODD)
def test_anything_else_is_refused(name: str) -> None:
    make, words = ODD[name]
    with pytest.raises(UnreadableError, match=words) as error:
        expand(make(TEXT), "f.gz", len(TEXT))
    assert "f.gz" in str(error.value)


def test_a_bomb_is_never_expanded() -> None:
    bomb = compress(bytes(200_000_000))
    tracemalloc.start()
    with pytest.raises(UnreadableError, match="more than 1000 bytes"):
        expand(bomb, "f", 1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
