"""Write the report of some runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from unlearnbench.errors import RunError
from unlearnbench.files.disk import check_file_option

if TYPE_CHECKING:
    from unlearnbench.reporting.page import Page
    from unlearnbench.reporting.redact import Redact


def report(
    runs: Sequence[str | Path],
    out: str | Path | None = None,
    *,
    base: str | Path | None = None,
    redact: Redact | None = None,
) -> Page:
    """One HTML page about some runs: a diagnosis in words, the figures, every answer that leaked.

    Example:
        >>> page = report(["runs/mine", "runs/mine-stress"], out="report.html")

    Args:
        runs: Folders of `score`, `stress` and `relearn`, or submissions, in any order.
        out: The file to write. Default: none, the page is only returned.
        base: Folder of a run of the model before unlearning, for forgetting among the facts that it
            knew. Default: a run among `runs` of the model that a checkpoint was trained from.
        redact: Blank gold answers, responses and questions that hold an answer (`answers`), or all
            questions and fact ids as well (`all`).

    Returns:
        The page's HTML and its counts.

    Raises:
        RunError: For a folder that is none of these or damaged, or a page that cannot be written;
            for a base of other questions, or by another judge.
    """
    from unlearnbench.api.corrections import corrections
    from unlearnbench.api.submissions import submitted_runs
    from unlearnbench.reporting import page
    from unlearnbench.reporting.redact import Redact
    from unlearnbench.runs.run import load_base

    if out is not None:
        check_file_option("--out", Path(out))
    if redact not in (None, *get_args(Redact)):
        raise RunError(f"--redact {redact}: {' or '.join(get_args(Redact))}")
    before = None if base is None else load_base(base)
    written = page.make_page(
        [Path(run) for run in runs], corrections, submitted_runs, before, redact
    )
    if out is not None:
        page.write_page(written, Path(out))
    return written
