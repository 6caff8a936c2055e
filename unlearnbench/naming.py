"""Names of folders, made from what users call things."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


def label(*words: str) -> str:
    """The words joined by hyphens, of letters, digits, dots, underscores and hyphens only."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", "-".join(words)).strip("-.")


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint for an unknown name: the closest known one, and the list."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}known: {', '.join(names) or 'none'}"
