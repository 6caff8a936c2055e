"""The board as a static site: pages, a style sheet, a script, and the data beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from unlearnbench.display import visible_line
from unlearnbench.files.disk import clear_leftovers, write_atomically, writing
from unlearnbench.leaderboard.board import Board
from unlearnbench.leaderboard.export import as_csv, as_json, as_markdown
from unlearnbench.leaderboard.plot import plot
from unlearnbench.leaderboard.ranking import ENVELOPE
from unlearnbench.paths import content_root
from unlearnbench.reporting.charts import svg_style

FIRST_PAGE_ROWS = 100
"""Most rows of a division on the first page; its own page has all of them."""
STATIC = ("board.css", "board.js")
"""Files of the site that are copied as they are."""


def build_site(board: Board, out: Path, specificity: Callable[[str], float | None]) -> int:
    """Write the site into `out` and return the number of pages.

    Each file is replaced as a whole, the first page last, so that a build that was killed can be
    repeated. `specificity` gives the measured specificity of a judge by its identity, or None.
    Raises `RunError` if a file cannot be written.
    """
    source = content_root() / "leaderboard" / "site"
    pages = _environment(source)
    pages.globals["specificity"] = specificity
    rendered: dict[str, str] = {}
    division_page = pages.get_template("division.html.j2")
    row_page = pages.get_template("row.html.j2")
    for division in board.divisions:
        rendered[f"divisions/{division.slug}.html"] = division_page.render(
            division=division, root="../", envelope=ENVELOPE, plot=plot(division)
        )
        for row in division.rows:
            attempts = [r for r in division.rows if r.claim.submitter == row.claim.submitter]
            rendered[f"rows/{row.id}.html"] = row_page.render(
                row=row, division=division, root="../", attempts=attempts
            )
    first = pages.get_template("index.html.j2").render(
        board=board, root="", most=FIRST_PAGE_ROWS, envelope=ENVELOPE
    )
    data = {
        **{name: (source / name).read_text("utf-8") for name in STATIC},
        "charts.css": svg_style(),
        "board.json": as_json(board),
        "board.csv": as_csv(board),
        "board.md": as_markdown(board),
    }
    _write(out, {**rendered, **data, "index.html": first})
    return len(rendered) + 1


def _write(out: Path, files: Mapping[str, str]) -> None:
    """Write files in this order, each atomically."""
    for folder in (out, out / "rows", out / "divisions"):
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            clear_leftovers(folder)
    for name, text in files.items():
        write_atomically(out / name, text)


def _environment(source: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(source),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": lambda share: f"{100 * share:.1f}",
        "size": _size,
        "rank": lambda rank: str(rank[0]) if rank[0] == rank[1] else f"{rank[0]}–{rank[1]}",
        "shown": visible_line,
    }
    return environment


def _size(count: int | None) -> str:
    if count is None:
        return "–"
    return f"{count / 1e9:.1f}B" if count >= 1e9 else f"{count / 1e6:.0f}M"
