"""Names as parts of ids: spellings of one name get one slug, different names never do."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from anyascii import anyascii

from unlearnbench.benchmark.matching import plain
from unlearnbench.hashing import sha256_json

_DIGITS = 8


@lru_cache(maxsize=4096)
def spelling_key(name: str) -> str:
    """What all spellings of a name share, never empty: case, accents and punctuation do not
    matter. Letters of other scripts than Latin stay, since different names sound alike in ours.
    """
    composed = unicodedata.normalize("NFC", name)
    latin = "".join(anyascii(c) if _is_latin(c) else c for c in composed)
    return plain(latin) or " ".join(name.split()).casefold() or "-"


def _is_latin(character: str) -> bool:
    return unicodedata.name(character, "").startswith("LATIN")


@lru_cache(maxsize=4096)
def slug_of(name: str) -> str:
    """A name as a part of ids, in lower-case letters, digits and hyphens, never empty:
    `prince-harry-duke-of-sussex`.

    A name that is not written in Latin letters ends in a digest of it: `kongzi-0c2b5f1e`. Two
    names have the same slug if, and only if, their `spelling_key` is the same.
    """
    key = spelling_key(name)
    bare = romanised(key)
    if bare and bare.replace("-", " ") == key:
        return bare
    return f"{bare or 'name'}-{sha256_json(key)[:_DIGITS]}"


def romanised(name: str) -> str:
    """A name in Latin letters, as it sounds; it may be empty, and several names may share it."""
    return plain(anyascii(name)).replace(" ", "-")
