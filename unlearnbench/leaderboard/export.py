"""The board as data: JSON, CSV, and the Markdown that the README shows."""

from __future__ import annotations

import csv
import io
import json
import re

from unlearnbench.display import visible_line
from unlearnbench.leaderboard.board import Board
from unlearnbench.leaderboard.entry import Entry

Value = str | float | int | None
Flat = dict[str, Value]
"""A row as one line of a table, by column."""


def as_json(board: Board) -> str:
    """The divisions with their rows."""
    divisions = [
        {
            "benchmark": division.benchmark,
            "version": division.version,
            "base": division.base,
            "rows": [flat(row) for row in division.rows],
        }
        for division in board.divisions
    ]
    return json.dumps(divisions, indent=1, ensure_ascii=False)


def as_csv(board: Board) -> str:
    """One line per row; an apostrophe before a cell that a spreadsheet would run as a formula."""
    rows = [
        {"benchmark": division.benchmark, "base": division.base, **flat(row)}
        for division in board.divisions
        for row in division.rows
    ]
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _csv_cell(value) for name, value in row.items()})
    return out.getvalue()


def flat(row: Entry) -> Flat:
    """The columns of a row."""
    claim, peak = row.claim, row.relearnt
    return {
        "id": row.id,
        "name": claim.name,
        "method": claim.method,
        "submitter": claim.submitter,
        "link": claim.link,
        "date": claim.date,
        "trust": row.trust,
        "levels": ", ".join(row.levels),
        "disputed_by": ", ".join(row.disputed),
        "rank_low": row.rank[0] if row.rank else None,
        "rank_high": row.rank[1] if row.rank else None,
        "outside": "; ".join(row.outside),
        **{name: score.value for name, score in row.scores.items()},
        "known_worst_case": row.worst,
        "relearn_maximum": peak.maximum if peak else None,
        "relearn_arm": peak.arm if peak else "",
        "relearn_arms": ", ".join(row.relearn.arms) if row.relearn else "",
        "stress": row.stress.score.high if row.stress else None,
        "parameters": claim.parameters,
        "judge": claim.judge,
        "judge_identity": claim.judge_identity,
        "fingerprint": claim.fingerprint,
    }


def _csv_cell(value: Value) -> Value:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


def as_markdown(board: Board) -> str:
    """The divisions as Markdown tables; shares in percent."""
    lines = []
    for division in board.divisions:
        lines += [
            f"**{_markdown_cell(division.base)} × {division.benchmark} {division.version}**",
            "",
            "| rank | row | worst case | original | retain | relearnt | stress | trust |",
            "|---|---|---|---|---|---|---|---|",
        ]
        lines += [_line(row) for row in (*division.rows, *division.anchors)]
        lines.append("")
    return "\n".join(lines)


def _line(row: Entry) -> str:
    worst, leaks = row.scores["forget.worst_case"], row.known.worst_case
    cells = [
        "–".join(map(str, dict.fromkeys(row.rank))) if row.rank else "–",
        _markdown_cell(row.claim.name),
        f"**{_share(worst.value)}** ({_share(worst.low)}–{_share(worst.high)})"
        + (f", known {_share(leaks.score.high)}" if leaks else ""),
        *(_share(row.scores[name].value) for name in ("forget.original", "retain.mean")),
        f"{_share(row.relearnt.maximum)} ({_arms(row)})" if row.relearnt else "–",
        _share(row.stress.score.high if row.stress else None),
        "anchor" if row.id.startswith("anchor-") else ", ".join(row.levels),
    ]
    return f"| {' | '.join(cells)} |"


def _arms(row: Entry) -> str:
    """The arm that brought most facts back, and of how many, or who attests it."""
    attested = row.known.relearn
    if attested:
        return f"{attested.arm}, {_markdown_cell(attested.by)}"
    assert row.relearn is not None
    assert row.relearn.worst is not None
    arms, arm = row.relearn.arms, row.relearn.worst.arm
    return f"{arm}, worst of {len(arms)}" if len(arms) > 1 else f"{arm} only"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _markdown_cell(text: str) -> str:
    """Untrusted text, escaped for a Markdown cell."""
    return re.sub(r"([\\`*_{}\[\]<>|#&~!])", r"\\\1", visible_line(text))
