"""The board as a static site: pages, a style sheet, a script, and the data beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import islice
from pathlib import Path

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    PrefixLoader,
    StrictUndefined,
)

from unlearnbench.display import counted, visible, visible_line
from unlearnbench.files.disk import clear_leftovers, write_atomically, write_together, writing
from unlearnbench.leaderboard import details
from unlearnbench.leaderboard.board import Board, Division
from unlearnbench.leaderboard.documents import PAPER, Document, code_address, documents
from unlearnbench.leaderboard.entry import Entry
from unlearnbench.leaderboard.export import as_csv, as_json, as_markdown
from unlearnbench.leaderboard.plot import distance_plot, plot, relearning_plot
from unlearnbench.leaderboard.ranking import COMPOSITE, ENVELOPE
from unlearnbench.leaderboard.utility_words import figure, utility_in_short, utility_in_words
from unlearnbench.paths import content_root
from unlearnbench.reporting.charts import svg_style
from unlearnbench.reporting.distance import share_text
from unlearnbench.reporting.matrix import drawn_matrix, matrix_style

FIRST_PAGE_ROWS, FEWEST_ROWS = 100, 5
"""Rows on the first page, shared by its divisions, and how many each of them has at least."""
FIRST_PAGE_POINTS, FIRST_PAGE_DIVISIONS = 40, 12
"""Rows of a division that the first page plots, and divisions that it shows with their rows."""
MOST_ATTEMPTS = 50
"""Rows of one submitter that the page of each of them lists."""
WRITTEN_AT_ONCE = 64
"""Pages that are rendered before they are written."""
STATIC = ("board.css", "board.js")
"""Files of the site that are copied as they are."""
Specificity = Callable[[str], float | None]
Pages = Iterator[tuple[str, str]]


def build_site(board: Board, out: Path, specificity: Specificity) -> int:
    """Write the site into `out` and return the number of pages.

    Each file is replaced as a whole, the first page last, so that a build that was killed can be
    repeated. `specificity` gives the measured specificity of a judge by its identity, or None.
    Raises `RunError` if a file cannot be written.
    """
    source, about = content_root() / "leaderboard" / "site", documents()
    environment = _environment(source, about, cache(specificity))
    for folder in (out, out / "rows", out / "divisions"):
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            clear_leftovers(folder)
    for name in STATIC:
        write_atomically(out / name, (source / name).read_text("utf-8"))
    write_atomically(out / "charts.css", svg_style() + matrix_style())
    for name, form in (("json", as_json), ("csv", as_csv), ("md", as_markdown)):
        write_atomically(out / f"board.{name}", form(board))
    names: set[str] = set()
    pages = _pages(board, environment, about)
    while some := list(islice(pages, WRITTEN_AT_ONCE)):
        write_together([(out / name, text) for name, text in some])
        names |= {name for name, _ in some}
    _remove_others(out, names)
    return len(names)


def _remove_others(out: Path, names: set[str]) -> None:
    """Remove the pages of rows and divisions that an earlier build had and this one has not."""
    for folder in ("rows", "divisions"):
        for path in (out / folder).glob("*.html"):
            if f"{folder}/{path.name}" not in names:
                path.unlink()


def _pages(board: Board, environment: Environment, about: Sequence[Document]) -> Pages:
    """Every page with the name of its file, the first page last."""
    for document in about:
        template = environment.get_template("document.html.j2")
        yield document.page, template.render(document=document, root="")
    for division in board.divisions:
        yield from _division_pages(division, environment)
    shown = board.divisions[:FIRST_PAGE_DIVISIONS]
    first = environment.get_template("index.html.j2").render(
        board=board,
        shown=[(d, plot(d, f"plot-{i}", FIRST_PAGE_POINTS)) for i, d in enumerate(shown)],
        most=max(FEWEST_ROWS, FIRST_PAGE_ROWS // max(1, len(shown))),
        root="",
    )
    yield "index.html", first


def _division_pages(division: Division, environment: Environment) -> Pages:
    template = environment.get_template("division.html.j2")
    page = template.render(division=division, plot=plot(division), root="../")
    yield f"divisions/{division.slug}.html", page
    of_submitter: dict[str, list[Entry]] = {}
    for row in division.rows:
        of_submitter.setdefault(row.claim.submitter, []).append(row)
    template = environment.get_template("row.html.j2")
    for row in division.rows:
        matrix = row.matrix
        yield (
            f"rows/{row.id}.html",
            template.render(
                row=row,
                division=division,
                root="../",
                matrix=drawn_matrix(matrix.columns, matrix.lines, matrix.answers),
                relearning=relearning_plot(row.relearn) if row.relearn else None,
                outwards=distance_plot(row.distance) if row.distance else None,
                attempts=of_submitter[row.claim.submitter][:MOST_ATTEMPTS],
                n_attempts=len(of_submitter[row.claim.submitter]),
            ),
        )


def _environment(source: Path, about: Sequence[Document], specificity: Specificity) -> Environment:
    report = PrefixLoader({"report": PackageLoader("unlearnbench.reporting")})
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader(source), report]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= _filters(specificity)
    environment.globals |= {
        "specificity": specificity,
        "envelope": ENVELOPE,
        "least_utility": COMPOSITE,
        "documents": about,
        "paper": PAPER,
        "code": code_address(),
    }
    return environment


def _filters(specificity: Specificity) -> dict[str, Callable[..., object]]:
    return {
        "percent": lambda share: f"{100 * share:.1f}",
        "size": _size,
        "rank": lambda rank: str(rank[0]) if rank[0] == rank[1] else f"{rank[0]}–{rank[1]}",
        "shown": visible_line,
        "counted": counted,
        "checked": lambda row: details.checked(row, specificity(row.claim.judge_identity)),
        "told": details.told,
        "reasons": details.reasons,
        "mute_ways": details.mute_ways,
        "doubts": details.doubts_in_short,
        "arms": details.arms_in_short,
        "utility_in_short": utility_in_short,
        "utility_in_words": utility_in_words,
        "figure": figure,
        "share": share_text,
    }


def _size(count: int | None) -> str:
    if count is None:
        return "–"
    return f"{count / 1e9:.1f}B" if count >= 1e9 else f"{count / 1e6:.0f}M"
