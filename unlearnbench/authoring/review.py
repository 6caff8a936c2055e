"""One table of everything doubtful, for a person: `review.csv`, and `review.html` to click through.

    write_review(taken, out, decisions)

Each row is a candidate; `decision` says what becomes of it (accept, strike or mend), `text` what it
is mended to. `reading_back` reads the table again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from unlearnbench.authoring.cells import csv_text, shown_cell
from unlearnbench.authoring.decisions import Decisions, candidate_key
from unlearnbench.authoring.doubts import in_words
from unlearnbench.authoring.review_file import records_of
from unlearnbench.authoring.review_page import PageRow, review_page
from unlearnbench.errors import BenchmarkError
from unlearnbench.files.disk import clear_leftovers, write_together, writing
from unlearnbench.paraphrasing.candidates import CheckedCandidate, Paraphrased
from unlearnbench.types import Fact

REVIEW_CSV, REVIEW_PAGE = "review.csv", "review.html"
COLUMNS = (
    *("id", "purpose", "style", "question", "answer", "candidate", "doubts"),
    *("decision", "text", "by", "key"),
)


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """A doubtful candidate with its fact."""

    fact: Fact
    checked: CheckedCandidate

    @property
    def key(self) -> str:
        """The key of the candidate."""
        return candidate_key(self.checked.candidate)

    @property
    def final(self) -> bool:
        """Whether it cannot be accepted as it stands."""
        return any(doubt.final for doubt in self.checked.doubts)

    @property
    def doubts(self) -> tuple[str, ...]:
        """Its doubts in plain words."""
        return tuple(map(in_words, self.checked.doubts))

    @property
    def cells(self) -> tuple[str, ...]:
        """What `review.csv` shows of it, in the order of `COLUMNS`, nothing decided."""
        fact, candidate = self.fact, self.checked.candidate
        told = (fact.id, candidate.purpose, candidate.style or "", fact.question, fact.answer)
        shown = tuple(map(shown_cell, (*told, candidate.text, " | ".join(self.doubts))))
        return (*shown, "", "", "", self.key)


def review_rows(paraphrased: Iterable[Paraphrased]) -> list[ReviewRow]:
    """Every doubtful candidate once, in the order of the facts."""
    rows: dict[str, ReviewRow] = {}
    for one in paraphrased:
        for checked in one.doubtful:
            row = ReviewRow(one.fact, checked)
            rows.setdefault(row.key, row)
    return list(rows.values())


def review_csv(rows: Iterable[ReviewRow]) -> str:
    """The content of `review.csv`."""
    return csv_text((COLUMNS, *(row.cells for row in rows)))


def write_review(paraphrased: Sequence[Paraphrased], out: Path, decisions: Decisions) -> int:
    """Write the table and the page of what is in doubt; the number of candidates in it.

    With none in doubt, those of an earlier review are removed. `decisions`: those taken up already;
    a table that holds others is not overwritten. Raises `BenchmarkError` for such a table,
    `RunError` if something cannot be written.
    """
    table, page = out / REVIEW_CSV, out / REVIEW_PAGE
    _check_taken_up(table, decisions)
    rows = review_rows(paraphrased)
    clear_leftovers(out)
    if rows:
        shown = [PageRow(r.cells, r.checked.candidate.text, r.doubts, r.final) for r in rows]
        html = review_page(COLUMNS, shown)
        write_together([(page, html), (table, review_csv(rows))])
        return len(rows)
    for path in (page, table):
        with writing(path):
            path.unlink(missing_ok=True)
    return 0


def _check_taken_up(table: Path, decisions: Decisions) -> None:
    for record in records_of(table) if table.is_file() else ():
        cells = record.cells
        if cells.get("decision", "").strip() and cells.get("key", "").strip() not in decisions:
            what = "it holds decisions that were not taken up; give --resume, or move it away"
            raise BenchmarkError("not-taken-up", record.where, what)
