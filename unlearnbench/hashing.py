"""Fingerprints: sha256 of contents, never of names."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


def sha256_json(value: Any) -> str:
    """sha256 of a JSON value in one canonical spelling (sorted keys, no blanks, UTF-8)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256_text(text)


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
