"""Make folder names from users' names, and suggest the nearest known name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


def label(*words: str) -> str:
    """The words joined by hyphens, reduced to letters, digits, dots, underscores and hyphens."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", "-".join(words)).strip("-.")


def nearest(name: str, choices: Iterable[str]) -> str:
    """A hint for an unknown name: the closest of the choices, and all of them."""
    names = sorted(choices)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}known: {', '.join(names) or 'none'}"
