"""Write the report of some runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnbench.files.disk import check_file_option

if TYPE_CHECKING:
    from unlearnbench.reporting.page import Page


def report(runs: Sequence[str | Path], out: str | Path | None = None) -> Page:
    """One HTML page about some runs: a diagnosis in words, the figures, every answer that leaked.

    Example:
        >>> page = report(["runs/mine", "runs/mine-stress"], out="report.html")

    Args:
        runs: Folders of `score`, `stress` and `relearn`, or submissions, in any order.
        out: The file to write. Default: none, the page is only returned.

    Returns:
        The page's HTML and its counts.

    Raises:
        RunError: For a folder that is none of these or damaged, or a page that cannot be written.
    """
    from unlearnbench.api.corrections import corrections
    from unlearnbench.api.submissions import submitted_runs
    from unlearnbench.reporting import page

    if out is not None:
        check_file_option("--out", Path(out))
    written = page.make_page([Path(run) for run in runs], corrections, submitted_runs)
    if out is not None:
        page.write_page(written, Path(out))
    return written
