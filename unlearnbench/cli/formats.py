"""Write a table as Markdown, LaTeX or CSV, with every cell escaped."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from unlearnbench.display import visible_text

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "–": "--",
    "…": r"\ldots{}",
}
_MARKDOWN = frozenset("\\`*_{}[]<>#|~!&")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table to be written.

    The first `left` columns hold words, the others numbers; `marks` are the numbers of the
    footnotes after a row's first cell, and `notes` the footnotes, numbered from 1.
    """

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    marks: Sequence[Sequence[int]]
    notes: Sequence[str]
    left: int = 1


def markdown(sheet: Sheet) -> str:
    """A GitHub-flavoured table with its footnotes below."""
    sides = [":--" if n < sheet.left else "--:" for n in range(len(sheet.headings))]
    lines = [f"**{_markdown(sheet.title)}**", "", _piped(map(_markdown, sheet.headings))]
    lines.append(_piped(sides))
    for row, marks in zip(sheet.rows, sheet.marks, strict=True):
        first, *others = map(_markdown, row)
        mark = f" <sup>{', '.join(map(str, marks))}</sup>" if marks else ""
        lines.append(_piped([f"{first}{mark}", *others]))
    notes = [f"{n}. {_markdown(note)}" for n, note in enumerate(sheet.notes, 1)]
    return "\n".join([*lines, *([""] if notes else []), *notes])


def latex(sheet: Sheet) -> str:
    """A `table` for LaTeX with the package booktabs."""
    columns = "l" * sheet.left + "r" * (len(sheet.headings) - sheet.left)
    lines = [r"\begin{table}", r"\centering", rf"\caption{{{_latex(sheet.title)}}}"]
    lines += [rf"\begin{{tabular}}{{{columns}}}", r"\toprule"]
    lines += [_ended(map(_latex, sheet.headings)), r"\midrule"]
    for row, marks in zip(sheet.rows, sheet.marks, strict=True):
        first, *others = map(_latex, row)
        mark = rf"\textsuperscript{{{','.join(map(str, marks))}}}" if marks else ""
        lines.append(_ended([f"{first}{mark}", *others]))
    lines += [r"\bottomrule", r"\end{tabular}"]
    for number, note in enumerate(sheet.notes, 1):
        lines.append(rf"\par\footnotesize\textsuperscript{{{number}}} {_latex(note)}")
    return "\n".join([*lines, r"\end{table}"])


def comma_separated(records: Sequence[dict[str, str | int | float | None]]) -> str:
    """Records as CSV (RFC 4180), numbers at full precision, empty cells for missing values."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(records[0]), lineterminator="\n")
    writer.writeheader()
    for record in records:
        writer.writerow({k: _line(v) if isinstance(v, str) else v for k, v in record.items()})
    return text.getvalue().rstrip("\n")


def _piped(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _ended(cells: Iterable[str]) -> str:
    return rf"{' & '.join(cells)} \\"


def _line(text: str) -> str:
    return visible_text(" ".join(text.split()))


def _markdown(text: str) -> str:
    return "".join(f"\\{c}" if c in _MARKDOWN else c for c in _line(text))


def _latex(text: str) -> str:
    return "".join(_LATEX.get(c, c) for c in _line(text))
