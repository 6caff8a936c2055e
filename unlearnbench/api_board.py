"""Build the leaderboard's site, and show it on this machine."""

from __future__ import annotations

from pathlib import Path

from unlearnbench.api_submit import listed_judges
from unlearnbench.content import content_root
from unlearnbench.disk import check_folder_option
from unlearnbench.judging.results import measured
from unlearnbench.submissions.board import Board, read_board
from unlearnbench.submissions.site import build


def build_board(
    out: str | Path,
    submissions: str | Path | None = None,
    kept: str | Path | None = None,
) -> tuple[Board, int]:
    """Verify and rank `submissions` (default: those that ship) and write the site to `out`.

    `kept` remembers verified rows for the next time. Returns the board and the number of pages.
    Raises `SubmissionError` for a folder that is not there or cannot be written.
    """
    check_folder_option("--out", Path(out))
    if kept is not None:
        check_folder_option("--keep", Path(kept))
    source = Path(submissions or content_root() / "leaderboard" / "submissions")
    board = read_board(source, listed_judges(), Path(kept) if kept is not None else None)
    return board, build(board, Path(out), _specificity)


def _specificity(judge: str) -> float | None:
    """Of the judge with this identity, where it was measured."""
    result = measured(judge)
    return None if result is None else float(result.record["specificity"])
