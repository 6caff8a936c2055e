"""Names of folders, made from what users call things."""

from __future__ import annotations

import re


def label(*words: str) -> str:
    """The words joined by hyphens, of letters, digits, dots, underscores and hyphens only."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", "-".join(words)).strip("-.")
