"""The page on which doubtful candidates are accepted, struck or mended; all text is escaped.

It needs nothing but itself. Its script writes the table that `reading_back` reads, byte for byte
what `csv_text` would; without scripts everything can still be read.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from unlearnbench.display import visible
from unlearnbench.hashing import sha256_json


@dataclass(frozen=True, slots=True)
class PageRow:
    """A candidate on the page: its cells, its text as it is, doubts, and whether one is final."""

    cells: tuple[str, ...]
    text: str
    doubts: tuple[str, ...]
    final: bool


def review_page(columns: Sequence[str], rows: Sequence[PageRow]) -> str:
    """The page about some candidates; `columns` name their cells."""
    environment = Environment(
        loader=PackageLoader("unlearnbench.authoring"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    cells = [list(row.cells) for row in rows]
    data = {
        "name": sha256_json(cells),
        "columns": list(columns),
        "rows": cells,
        "texts": [row.text for row in rows],
    }
    shown = [(dict(zip(columns, r.cells, strict=True)), r.doubts, r.final) for r in rows]
    return environment.get_template("review.html.j2").render(
        rows=shown,
        data=_in_script(data),
        css=_template_text("review.css"),
        js=_template_text("review.js"),
    )


def _in_script(data: object) -> Markup:
    """A value as JSON that ends no script element and opens no comment."""
    text = json.dumps(data, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def _template_text(name: str) -> Markup:
    """A file of the package that is put into the page unescaped."""
    return Markup((files("unlearnbench.authoring") / "templates" / name).read_text("utf-8"))
