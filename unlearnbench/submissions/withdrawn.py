"""Rows that were taken back: a folder with nothing but a file that says why."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from unlearnbench.display import visible_line
from unlearnbench.submissions.untrusted import Refusal, read_sent

WITHDRAWN = "WITHDRAWN"
"""A file of this name, with the reason in it, replaces a submission that was withdrawn."""
MOST_REASON = 500
"""Most bytes of such a reason."""


def withdrawal(folder: Path) -> str | None:
    """Why a submission was withdrawn, on one line; None if it was not."""
    if folder.is_symlink() or not folder.is_dir():
        return None
    inside = [path.name for path in islice(folder.iterdir(), 2)]
    if inside != [WITHDRAWN] or (folder / WITHDRAWN).is_symlink():
        return None
    try:
        data = read_sent(folder / WITHDRAWN, WITHDRAWN, MOST_REASON)
    except Refusal as reason:
        return f"no reason can be shown ({reason.what})"
    return visible_line(" ".join(data.decode("utf-8", "replace").split()))
