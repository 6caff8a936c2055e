"""The board as data: JSON, CSV, and the Markdown that the README shows."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata

from unlearnbench.display import visible_line
from unlearnbench.leaderboard.board import Board, Division
from unlearnbench.leaderboard.details import arms_in_short
from unlearnbench.leaderboard.entry import Entry
from unlearnbench.leaderboard.utility_words import utility_in_short

Value = str | float | int | None
Flat = dict[str, Value]
"""A row as one line of a table, by column."""
_FORMULA = ("=", "+", "-", "\N{MINUS SIGN}", "@")
"""Signs that begin a formula."""


def as_json(board: Board) -> str:
    """The divisions with their base model and their rows."""
    divisions = [
        {**_division(division), "rows": [flat(row) for row in division.rows]}
        for division in board.divisions
    ]
    return json.dumps(divisions, indent=1, ensure_ascii=False)


def _division(division: Division) -> Flat:
    base = division.base_knowledge
    return {
        "benchmark": division.benchmark,
        "version": division.version,
        "profile": division.profile,
        "judge": division.judge,
        "base": division.base,
        "base_known": base.known,
        "base_asked": base.asked,
        "base_retain": base.retain,
        "base_fluency": base.fluency,
    }


def as_csv(board: Board) -> str:
    """One line per row; an apostrophe before a cell that a spreadsheet would run as a formula."""
    rows = [
        {**_division(division), **flat(row)}
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
        "doubts": ", ".join(doubt.code for doubt in row.doubts),
        "among_known": row.among_known.value,
        "among_known_low": row.among_known.low,
        "among_known_high": row.among_known.high,
        **{name: score.value for name, score in row.scores.items()},
        "known_worst_case": row.worst,
        "relearn_maximum": peak.maximum if peak else None,
        "relearn_arm": peak.arm if peak else "",
        "relearn_arms": ", ".join(row.relearn.arms) if row.relearn else "",
        "relearn_derived": row.relearn.derived if row.relearn else None,
        "stress": row.stress.score.high if row.stress else None,
        "stress_not_tried": ", ".join(row.stress.not_tried) if row.stress else "",
        "stress_derived": row.stress.derived if row.stress else None,
        "utility": row.utility.composite if row.utility else None,
        "utility_rule": row.utility_rule,
        **_utility(row),
        "parameters": claim.parameters,
        "judge_identity": claim.judge_identity,
        "fingerprint": claim.fingerprint,
        "base_fingerprint": claim.base_fingerprint,
    }


def _utility(row: Entry) -> Flat:
    """What is left of each part of the base, and the metrics, by name."""
    if row.utility is None:
        return {}
    parts: Flat = {f"utility.kept.{name}": share for name, share in row.utility.parts.items()}
    return parts | {f"utility.{n}": figure.value for n, figure in row.utility.metrics.items()}


def _csv_cell(value: Value) -> Value:
    """A cell that no spreadsheet runs as a formula."""
    if not isinstance(value, str):
        return value
    shown = visible_line(value)
    return f"'{shown}" if _begins_formula(value) else shown


def _begins_formula(text: str) -> bool:
    """Whether the first visible character of a text is a sign of a formula, in any width.

    Spreadsheets skip spaces and controls, and take full-width and small signs for the plain ones.
    """
    for letter in unicodedata.normalize("NFKC", text):
        if unicodedata.category(letter)[0] not in "ZC":
            return letter in _FORMULA
    return False


_AFTER_HEADLINE = ("original", "retain", "utility", "relearnt", "stress", "trust", "doubts")


def as_markdown(board: Board) -> str:
    """The divisions as Markdown tables; shares in percent."""
    lines = []
    for division in board.divisions:
        base = division.base_knowledge
        headings = ("rank", "row", division.headline, *_AFTER_HEADLINE)
        lines += [
            f"**{_markdown_cell(division.title)}**, "
            f"judge {_markdown_cell(division.judge)}; the base answers {base.known} of "
            f"{base.asked} forget facts, retain {_share(base.retain)}",
            "",
            f"| {' | '.join(headings)} |",
            f"|{'---|' * len(headings)}",
        ]
        lines += [_line(row) for row in (*division.rows, *division.anchors)]
        lines.append("")
    return "\n".join(lines)


def _stress(row: Entry) -> str:
    """The share that leaks through any door, and what it lacks."""
    if row.stress is None:
        return _share(None)
    lacks = [] if row.stress.derived else ["as told"]
    if row.stress.not_tried:
        lacks.append(f"without {', '.join(row.stress.not_tried)}")
    return _share(row.stress.score.high) + (f" ({'; '.join(lacks)})" if lacks else "")


def _line(row: Entry) -> str:
    worst = row.among_known
    cells = [
        "–".join(map(str, dict.fromkeys(row.rank))) if row.rank else "–",
        _markdown_cell(row.claim.name),
        f"**{_share(worst.value)}** ({_share(worst.low)}–{_share(worst.high)})",
        *(_share(row.scores[name].value) for name in ("forget.original", "retain.mean")),
        _composite(row),
        f"{_share(row.relearnt.maximum)} ({_markdown_cell(arms_in_short(row))})"
        if row.relearnt
        else "–",
        _stress(row),
        "anchor" if row.id.startswith("anchor-") else ", ".join(row.levels),
        ", ".join(doubt.code for doubt in row.doubts) or "–",
    ]
    return f"| {' | '.join(cells)} |"


def _composite(row: Entry) -> str:
    """What is left of the base's utility, or why there is no figure."""
    if row.id.startswith("anchor-"):
        return _share(None)
    whole = row.utility.composite if row.utility is not None else None
    return utility_in_short(row) if whole is None else _share(whole)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _markdown_cell(text: str) -> str:
    """Untrusted text, escaped for a Markdown cell."""
    return re.sub(r"([\\`*_{}\[\]<>|#&~!])", r"\\\1", visible_line(text))
