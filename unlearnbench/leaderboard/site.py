"""The board as a static site: pages, a style sheet, a script, and the data beside them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from unlearnbench.disk import clear_leftovers, write_atomically, writing
from unlearnbench.display import hidden_character
from unlearnbench.leaderboard.board import Board, Division, Row, worst
from unlearnbench.leaderboard.ranking import ENVELOPE
from unlearnbench.paths import content_root

FIRST_PAGE_ROWS = 100
"""So many rows of a division on the first page; all of them on its own."""
_LETTER, _LINE, _FLIPPED = 6.5, 13, 0.5
"""Width and height of a letter in the plot; from which x on names stand left of their points."""
STATIC = ("board.css", "board.js")


def build(board: Board, out: Path, specificity: Callable[[str], float | None]) -> int:
    """Write the site into `out`; the number of pages. Raises `RunError` if the disk refuses.

    Each file is replaced as a whole, the first page last: a build that was killed is built again.

    `specificity` gives what was measured of the judge of an identity, None if nothing was.
    """
    source = content_root() / "leaderboard" / "site"
    pages = _environment(source)
    pages.globals |= {"specificity": specificity, "worst": worst, "relearnt": _relearnt}
    written: dict[str, str] = {}
    division_page = pages.get_template("division.html.j2")
    row_page = pages.get_template("row.html.j2")
    for division in board.divisions:
        written[f"divisions/{division.slug}.html"] = division_page.render(
            division=division, root="../", envelope=ENVELOPE, plot=_plot(division)
        )
        for row in division.rows:
            attempts = [r for r in division.rows if r["submitter"] == row["submitter"]]
            written[f"rows/{row['id']}.html"] = row_page.render(
                row=row, division=division, root="../", attempts=attempts
            )
    first = pages.get_template("index.html.j2").render(
        board=board, root="", most=FIRST_PAGE_ROWS, envelope=ENVELOPE
    )
    data = {
        **{name: (source / name).read_text("utf-8") for name in STATIC},
        "board.json": json.dumps(_data(board), indent=1, ensure_ascii=False),
        "board.csv": _table(board),
        "board.md": markdown(board),
    }
    _write(out, {**written, **data, "index.html": first})
    return len(written) + 1


def _write(out: Path, files: Mapping[str, str]) -> None:
    """Write files in this order, each whole or not at all."""
    for folder in (out, out / "rows", out / "divisions"):
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            clear_leftovers(folder)
    for name, text in files.items():
        write_atomically(out / name, text)


def _environment(source: Path) -> Environment:
    made = Environment(
        loader=FileSystemLoader(source),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "percent": lambda share: f"{100 * share:.1f}",
        "size": _size,
        "rank": lambda rank: str(rank[0]) if rank[0] == rank[1] else f"{rank[0]}–{rank[1]}",
        "shown": visible,
    }
    return made


def visible(text: str) -> str:
    """A text with control, bidirectional and invisible characters written as U+XXXX."""
    if hidden_character(text) is None:
        return text
    return "".join(f"[{hidden_character(c)}]" if hidden_character(c) else c for c in text)


def _size(count: int | None) -> str:
    if count is None:
        return "–"
    return f"{count / 1e9:.1f}B" if count >= 1e9 else f"{count / 1e6:.0f}M"


def _plot(division: Division) -> list[dict[str, Any]]:
    """Points of forgetting against utility, and which of them nobody betters in both."""
    points = [
        {
            "id": row["id"],
            "name": row["name"],
            "anchor": row in division.anchors,
            "x": worst(row),
            "y": row["scores"]["retain.mean"][0],
        }
        for row in (*division.anchors, *division.rows[:FIRST_PAGE_ROWS])
    ]
    for point in points:
        point["front"] = not any(
            (other["x"] <= point["x"] and other["y"] >= point["y"])
            and (other["x"] < point["x"] or other["y"] > point["y"])
            for other in points
        )
    _place_labels(points)
    return points


def _place_labels(points: list[dict[str, Any]]) -> None:
    """Where each name stands in the plot, in its units: beside its point, below names there."""
    taken: list[tuple[float, float, float]] = []
    for point in sorted(points, key=lambda p: (-p["y"], p["x"])):
        left = point["x"] >= _FLIPPED
        x = 60 + 540 * point["x"] + (-9 if left else 9)
        width = _LETTER * len(visible(point["name"]))
        start, end = (x - width, x) if left else (x, x + width)
        y = 336 - 320 * point["y"]
        while any(abs(y - b) < _LINE and start < e and s < end for b, s, e in taken):
            y += 1
        taken.append((y, start, end))
        point["label"] = {"x": x, "y": y, "anchor": "end" if left else "start"}


def markdown(board: Board) -> str:
    """The divisions as Markdown tables, as the README shows them; shares in percent."""
    found = []
    for division in board.divisions:
        found += [
            f"**{_cell_text(division.base)} × {division.benchmark} {division.version}**",
            "",
            "| rank | row | worst case | original | retain | relearnt | stress | trust |",
            "|---|---|---|---|---|---|---|---|",
        ]
        found += [_line(row) for row in (*division.rows, *division.anchors)]
        found.append("")
    return "\n".join(found)


def _line(row: Row) -> str:
    rank = "–".join(map(str, dict.fromkeys(row["rank"]))) if "rank" in row else "–"
    found, low, high = row["scores"]["forget.worst_case"]
    relearnt, known = _relearnt(row), row["known"]["worst_case"]
    stress = row["stress"]["score"]["high"] if row["stress"] else None
    cells = [
        rank,
        _cell_text(row["name"]),
        f"**{100 * found:.1f}** ({100 * low:.1f}–{100 * high:.1f})"
        + (f", known {_share(known['score']['high'])}" if known else ""),
        *(_share(row["scores"][name][0]) for name in ("forget.original", "retain.mean")),
        f"{_share(relearnt['maximum'])} ({_arms(row)})" if relearnt else "–",
        _share(stress),
        "anchor" if row["id"].startswith("anchor-") else ", ".join(row["levels"]),
    ]
    return f"| {' | '.join(cells)} |"


def _arms(row: Row) -> str:
    """Which arm brought most back, of how many; or who found it."""
    known = row["known"]["relearn"]
    if known:
        return f"{known['arm']}, {_cell_text(known['by'])}"
    arms, worst_arm = row["relearn"]["arms"], row["relearn"]["worst"]["arm"]
    return f"{worst_arm}, worst of {len(arms)}" if len(arms) > 1 else f"{worst_arm} only"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _cell_text(text: str) -> str:
    """What a stranger wrote, as plain text in a Markdown cell."""
    return re.sub(r"([\\`*_{}\[\]<>|#&~!])", r"\\\1", visible(text))


def _data(board: Board) -> list[dict[str, Any]]:
    return [
        {
            "benchmark": division.benchmark,
            "version": division.version,
            "base": division.base,
            "rows": [_flat(row) for row in division.rows],
        }
        for division in board.divisions
    ]


def _flat(row: Row) -> dict[str, Any]:
    relearnt = _relearnt(row)
    return {
        "id": row["id"],
        "name": row["name"],
        "method": row["method"],
        "submitter": row["submitter"],
        "link": row["link"],
        "date": row["date"],
        "trust": row["trust"],
        "levels": ", ".join(row["levels"]),
        "disputed_by": ", ".join(row["disputed"]),
        "rank_low": row["rank"][0] if "rank" in row else None,
        "rank_high": row["rank"][1] if "rank" in row else None,
        "outside": "; ".join(row["outside"]),
        **{name: row["scores"][name][0] for name in row["scores"]},
        "known_worst_case": worst(row),
        "relearn_maximum": relearnt["maximum"] if relearnt else None,
        "relearn_arm": relearnt["arm"] if relearnt else "",
        "relearn_arms": ", ".join(row["relearn"]["arms"]) if row["relearn"] else "",
        "stress": row["stress"]["score"]["high"] if row["stress"] else None,
        "parameters": row["parameters"],
        "judge": row["judge"],
        "judge_identity": row["judge_identity"],
        "fingerprint": row["fingerprint"],
    }


def _relearnt(row: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The worst benign arm that anybody ran, and what it brought back."""
    found: Mapping[str, Any] | None = row["known"]["relearn"]
    return found or (row["relearn"] and row["relearn"]["worst"])


def _table(board: Board) -> str:
    """CSV; a cell that a spreadsheet would run as a formula is set off by an apostrophe."""
    rows = [
        {"benchmark": d.benchmark, "base": d.base, **_flat(row)}
        for d in board.divisions
        for row in d.rows
    ]
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: _cell(v) for k, v in row.items()})
    return out.getvalue()


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value
