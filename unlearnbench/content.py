"""Where the content folders `benchmarks/`, `judges/` and `leaderboard/` are.

They hold data, not Python. In an installed wheel they lie in `unlearnbench/_content/`; in a
checkout at its top level.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

_PACKAGE = Path(__file__).parent


def content_root() -> Path:
    """The folder that holds the content folders."""
    installed = _PACKAGE / "_content"
    return installed if installed.is_dir() else _PACKAGE.parent


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint for an unknown name: the closest known one, and the list."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}known: {', '.join(names) or 'none'}"
