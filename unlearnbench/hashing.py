"""Fingerprints: sha256 of contents, never of names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def sha256_json(value: Any) -> str:
    """sha256 of a JSON value in one canonical spelling (sorted keys, no blanks, UTF-8)."""
    return sha256_text(_canonical(value))


def sha256_json_list(values: Iterable[Any]) -> str:
    """`sha256_json` of a list, whose values are made and spelt one at a time."""
    digest = hashlib.sha256(b"[")
    for number, value in enumerate(values):
        digest.update(
            f"{',' if number else ''}{_canonical(value)}".encode("utf-8", "surrogatepass")
        )
    digest.update(b"]")
    return digest.hexdigest()


def sha256_text(text: str) -> str:
    """sha256 of a text in UTF-8; lone surrogates are kept apart rather than refused."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def sha256_bytes(data: bytes) -> str:
    """sha256 of some bytes."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
