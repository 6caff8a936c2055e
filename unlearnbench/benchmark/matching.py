"""Whether a text contains another as whole words."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_NO_WORD = re.compile(r"[^a-z0-9]+")


def holds(text: str, answer: str) -> bool:
    """Whether an answer stands in a text as whole words, case and accents aside."""
    return f" {plain(answer)} " in f" {plain(text)} "


@lru_cache(maxsize=1 << 16)
def plain(text: str) -> str:
    """Fold case, accents and punctuation away, for comparing texts."""
    if text.isascii():
        return " ".join(_NO_WORD.sub(" ", text.lower()).split())
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    kept = "".join(c if c.isalnum() else " " for c in decomposed if not unicodedata.combining(c))
    return " ".join(kept.split())
