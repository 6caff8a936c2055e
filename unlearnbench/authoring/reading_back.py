"""Read what a person decided in a review table.

Strict in meaning: a row is found by its key, never by its place; whatever is not plainly one of the
three decisions about a candidate as it was shown is an error with `file:row`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unlearnbench.authoring.cells import restored, typed_text
from unlearnbench.authoring.decisions import CHOICES, Choice, Decision, Decisions
from unlearnbench.authoring.review import COLUMNS, ReviewRow, review_rows
from unlearnbench.authoring.review_file import ReviewRecord, records_of
from unlearnbench.display import hidden_character, visible_line
from unlearnbench.errors import BenchmarkError
from unlearnbench.naming import nearest
from unlearnbench.paraphrasing.candidates import FACT_PURPOSES, INDIRECT, Paraphrased

_MOST_LISTED = 10
_JOINERS = dict.fromkeys((0x200C, 0x200D))
"""Persian, Hindi and others are written with them."""
_WORDS = 3
"""Words of a text that no spreadsheet program takes for a number or a date."""


def read_review(
    path: Path,
    paraphrased: Sequence[Paraphrased],
    decided: Decisions,
    *,
    alone: bool = False,
) -> dict[str, Decision]:
    """The decisions in a table, by key. Rows without one are left out: they stay doubtful.

    Args:
        path: `review.csv`, or what a spreadsheet program or the page made of it.
        paraphrased: The facts with what is in doubt now.
        decided: Decisions taken up before; the table may repeat them.
        alone: Rows about other candidates are not looked at.

    Raises:
        BenchmarkError: With the first row that cannot be taken up, and where the others are.
    """
    rows = {row.key: row for row in review_rows(paraphrased)}
    found: dict[str, tuple[Decision, str]] = {}
    faults: list[BenchmarkError] = []
    for record in records_of(path):
        if alone and record.cells["key"].strip() not in rows:
            continue
        try:
            decision = _decision(record, rows, decided)
            if decision is not None and decision.key in found:
                what = f"{decision.fact}: decided in {found[decision.key][1]} already; empty one"
                raise BenchmarkError("two-decisions", record.where, what)
            if decision is not None:
                found[decision.key] = (decision, record.where)
        except BenchmarkError as error:
            faults.append(error)
    _raise_first(faults)
    return {key: decision for key, (decision, _) in found.items() if key not in decided}


def _raise_first(faults: Sequence[BenchmarkError]) -> None:
    if not faults:
        return
    first, others = faults[0], [fault.where.rpartition(":")[2] for fault in faults[1:]]
    if not others:
        raise first
    more = ", …" if len(others) > _MOST_LISTED else ""
    rows = f"rows {', '.join(others[:_MOST_LISTED])}{more} cannot be taken up either"
    what = str(first).removeprefix(f"{first.where}: {first.rule}: ")
    raise BenchmarkError(first.rule, first.where, f"{what}; {rows}")


def _decision(
    record: ReviewRecord, rows: Mapping[str, ReviewRow], decided: Decisions
) -> Decision | None:
    """What a row decides, or None. Raises `BenchmarkError`."""
    typed = _Typed(record, _choice(record), typed_text(record.cells["text"]))
    key = record.cells["key"].strip()
    row = rows.get(key)
    if row is not None:
        return _about(row, typed)
    before = decided.get(key)
    if not typed.anything or (before and (before.choice, before.text) == typed.decided):
        return None
    if before is not None:
        what = f"{before.fact}: it was decided before: {before.choice}; to decide it again take its"
        raise typed.fault("decided-before", f"{what} line out of making/decisions.jsonl")
    what = "no candidate has this key now" if key else "the cell in column key is empty"
    raise typed.fault("unknown-candidate", f"{what}; empty decision and text, or drop the row")


@dataclass(frozen=True, slots=True)
class _Typed:
    """A row with what was typed into it."""

    record: ReviewRecord
    choice: Choice | None
    text: str

    @property
    def anything(self) -> bool:
        return bool(self.choice or self.text)

    @property
    def decided(self) -> tuple[Choice | None, str]:
        return self.choice, self.text

    def fault(self, rule: str, what: str) -> BenchmarkError:
        return BenchmarkError(rule, self.record.where, what)

    def changed(self, column: str, row: ReviewRow) -> bool:
        """Whether a cell is not what was written into it."""
        cell, written = self.record.cells.get(column), row.cells[COLUMNS.index(column)]
        return cell is not None and _same(restored(cell)) != _same(written)


def _choice(record: ReviewRecord) -> Choice | None:
    word = record.cells["decision"].strip().casefold()
    if not word:
        return None
    if word not in CHOICES:
        what = f"decision {word[:40]!r}: {nearest(word, CHOICES)}"
        raise BenchmarkError("unknown-decision", record.where, what)
    return word


def _about(row: ReviewRow, typed: _Typed) -> Decision | None:
    """What is decided about a candidate that is in doubt. Raises `BenchmarkError`."""
    candidate, fact = row.checked.candidate, row.fact
    edited = typed.changed("candidate", row)
    if typed.choice is None:
        if typed.text or (edited and len(candidate.text.split()) >= _WORDS):
            what = f"{fact.id}: a text was changed and nothing decided; write mend"
            raise typed.fault("no-decision", what)
        return None
    _check_shown(row, typed)
    text = ""
    if typed.choice == "mend" and candidate.purpose == INDIRECT:
        what = f"{fact.id}: an indirect question is accepted or struck; put a mended one into your"
        raise typed.fault("mended-indirect", f"{what} table of them (--indirect)")
    if typed.choice == "mend" and candidate.purpose in FACT_PURPOSES:
        what = f"{fact.id}: a proposed fact is accepted or struck; put a mended one into your table"
        raise typed.fault("mended-fact", f"{what}, with split {fact.split}")
    if typed.choice == "mend":
        text = _mended_text(row, typed, edited)
    elif typed.text and typed.text != _same(candidate.text):
        what = f"{fact.id}: {typed.choice} with another text; write mend, or empty the text"
        raise typed.fault("text-without-mend", what)
    elif typed.choice == "accept":
        _check_acceptable(row, typed, edited)
    return Decision(
        key=row.key,
        fact=fact.id,
        purpose=candidate.purpose,
        choice=typed.choice,
        rules=tuple(dict.fromkeys(doubt.rule for doubt in row.checked.doubts)),
        text=text,
        by=typed_text(typed.record.cells.get("by", "")),
    )


def _check_shown(row: ReviewRow, typed: _Typed) -> None:
    """See that the person decided beside the right question. Raises `BenchmarkError`."""
    for column in ("question", "purpose", "style"):
        if typed.changed(column, row):
            what = f"{row.fact.id}: {column} is another than that of this candidate; it cannot be "
            raise typed.fault("other-row", f"{what}changed here, nor a column sorted by itself")


def _check_acceptable(row: ReviewRow, typed: _Typed, edited: bool) -> None:
    if row.final:
        doubt = next(doubt for doubt in row.checked.doubts if doubt.final)
        what = (
            f"{row.fact.id}: cannot be accepted, only mended or struck ({visible_line(doubt.what)})"
        )
        raise typed.fault("final-doubt", what)
    if edited:
        what = f"{row.fact.id}: the candidate was changed; write mend"
        raise typed.fault("changed-candidate", what)
    if typed.changed("doubts", row):
        what = f"{row.fact.id}: the doubts about it are others now; empty the decision and read "
        raise typed.fault("other-doubts", f"{what}them in the review that is then written")


def _mended_text(row: ReviewRow, typed: _Typed, edited: bool) -> str:
    own = typed_text(typed.record.cells["candidate"]) if edited else ""
    text = typed.text or own
    if own and typed.text and own != typed.text:
        what = f"{row.fact.id}: mended both in text and in candidate; keep one"
        raise typed.fault("two-texts", what)
    if not text:
        raise typed.fault("no-text", f"{row.fact.id}: mend needs what it is mended to in text")
    hidden = hidden_character(text.translate(_JOINERS))
    if hidden is not None:
        what = f"{row.fact.id}: the mended text holds {hidden}, which nobody sees; type it anew"
        raise typed.fault("hidden-character", what)
    if text == row.checked.candidate.text:
        what = f"{row.fact.id}: mended to what it was; write accept, or change it"
        raise typed.fault("not-mended", what)
    return text


def _same(text: str) -> str:
    """A text without what spreadsheet programs change unasked: line ends, spaces, composition."""
    return " ".join(unicodedata.normalize("NFC", text).split())
