"""A review table comes back from a spreadsheet program: tolerant in form, strict in meaning."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.review_samples import CLUE, FAR, INSIDE, decided, decision, doubtful, fact, found
from unlearnbench.authoring.cells import csv_text
from unlearnbench.authoring.decisions import Decision
from unlearnbench.authoring.reading_back import read_review
from unlearnbench.authoring.review import COLUMNS, review_csv, review_rows
from unlearnbench.errors import BenchmarkError

FARSIDE = doubtful("=cmd() who was first, at the Pole; really?")
QUOTED = doubtful('Wer war "zuerst"\nam Südpol – Ämter?', FAR, CLUE)
FINAL = doubtful("Was Amundsen first?", INSIDE)
NUMBER = doubtful("1", of="two")
STATE = [
    found(FARSIDE, QUOTED, FINAL),
    found(NUMBER, of=fact("two", "How many were there in all?")),
]
ROWS = review_rows(STATE)
CELLS = [list(COLUMNS), *(list(row.cells) for row in ROWS)]
AT = {name: n for n, name in enumerate(COLUMNS)}


def table(*changes: tuple[int, str, str]) -> list[list[str]]:
    """The rows of the table, with (row from 1, column, cell) changed."""
    rows = [list(row) for row in CELLS]
    for row, column, cell in changes:
        rows[row][AT[column]] = cell
    return rows


def write(path: Path, rows: list[list[str]]) -> Path:
    path.write_bytes(csv_text(rows).encode())
    return path


DECIDED = (
    (1, "decision", "accept"),
    (2, "decision", " Mend "),
    (2, "text", "Wer war  zuerst\nda?"),
)
WANTED = decided(decision(FARSIDE, "accept"), decision(QUOTED, "mend", "Wer war zuerst da?"))


def test_a_table_without_decisions_decides_nothing(tmp_path: Path) -> None:
    path = tmp_path / "review.csv"
    path.write_bytes(review_csv(ROWS).encode())
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert read_review(path, STATE, {}) == {}


def _with(delimiter: str, end: str = "\r\n", bom: str = "") -> Callable[[list[list[str]]], bytes]:
    def spelt(rows: list[list[str]]) -> bytes:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=delimiter, lineterminator=end).writerows(_written(rows))
        return (bom + text.getvalue()).encode()

    return spelt


def _written(rows: list[list[str]]) -> list[list[str]]:
    """The cells as a program sees them that read the table."""
    return list(csv.reader(io.StringIO(csv_text(rows).removeprefix("\ufeff"), newline="")))


def _reordered(rows: list[list[str]]) -> bytes:
    return csv_text([rows[0], *reversed(rows[1:])]).encode()


def _columns(rows: list[list[str]]) -> bytes:
    return csv_text(
        [[row[-1].upper() if n == 0 else row[-1], *row[:-1], "mine"] for n, row in enumerate(rows)]
    ).encode()


def _empty_rows(rows: list[list[str]]) -> bytes:
    return (csv_text(rows) + ",,,,\r\n\r\n" + ";".join([""] * 3)).encode()


def _no_apostrophes(rows: list[list[str]]) -> bytes:
    """Some programs take the apostrophe for a sign that a text follows, and do not keep it."""
    return csv_text(rows).replace("\"'=", '"=').encode()


def _numbers(rows: list[list[str]]) -> bytes:
    """Ids and answers become dates and numbers."""
    return csv_text(
        [rows[0], *([*("1. Feb", *row[1:4], "1,9E+03"), *row[5:]] for row in rows[1:])]
    ).encode()


def _decomposed(rows: list[list[str]]) -> bytes:
    return csv_text(rows).replace("Ä", "A\u0308").replace("ü", "u\u0308").encode()


def _short_rows(rows: list[list[str]]) -> bytes:
    """Empty cells at the end are left out; here the key comes first."""
    order = [AT["key"], *(n for n in range(len(COLUMNS)) if n != AT["key"])]
    short = [[row[n] for n in order] for row in rows]
    for row in short:
        while not row[-1]:
            row.pop()
    return csv_text(short).encode()


SPELLINGS = {
    "semicolons": _with(";", bom="\ufeff"),
    "tabs": _with("\t"),
    "line-feeds": _with(",", "\n"),
    "sep-line": lambda rows: b"sep=;\r\n" + _with(";")(rows),
    "reordered": _reordered,
    "other-columns": _columns,
    "empty-rows": _empty_rows,
    "no-apostrophes": _no_apostrophes,
    "numbers": _numbers,
    "decomposed": _decomposed,
    "short-rows": _short_rows,
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_whatever_a_program_makes_of_it(tmp_path: Path, spelling: str) -> None:
    path = tmp_path / "review.csv"
    path.write_bytes(SPELLINGS[spelling](table(*DECIDED)))
    assert read_review(path, STATE, {}) == WANTED


def test_names_are_kept_where_they_are_given(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", table((1, "decision", "strike"), (1, "by", " =Ada ")))
    assert read_review(path, STATE, {}) == decided(decision(FARSIDE, "strike", by="=Ada"))


def test_a_candidate_edited_in_its_place_is_mended(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", table((1, "decision", "mend"), (1, "candidate", "Who won?")))
    assert read_review(path, STATE, {}) == decided(decision(FARSIDE, "mend", "Who won?"))


@pytest.mark.parametrize("changed", ["1,00", "01. Jan", "WAHR"])
def test_a_number_that_was_converted_is_no_change(tmp_path: Path, changed: str) -> None:
    path = write(tmp_path / "r.csv", table((4, "candidate", changed)))
    assert read_review(path, STATE, {}) == {}
    struck = write(path, table((4, "candidate", changed), (4, "decision", "strike")))
    assert read_review(struck, STATE, {}) == decided(decision(NUMBER, "strike"))


def test_rows_that_may_be_gone(tmp_path: Path) -> None:
    rows = table((1, "decision", "accept"))
    path = write(tmp_path / "r.csv", [rows[0], rows[1]])
    assert list(read_review(path, STATE, {})) == [ROWS[0].key]


OLD = doubtful("Gone since then, whoever it was?")
ODD = ("hidden-character", "r.csv:4")
HIDDEN = "Who was \u202efirst?"
SHOUTED = FARSIDE.candidate.text.upper()
ERRORS = {
    "unknown": ([(1, "decision", "acept")], "unknown-decision", "r.csv:2", "did you mean 'accept'"),
    "yes": (
        [(1, "decision", "TRUE")],
        "unknown-decision",
        "r.csv:2",
        "known: accept, mend, strike",
    ),
    "stale": ([(1, "key", "c0"), (1, "decision", "strike")], "unknown-candidate", "r.csv:2", "no"),
    "no-key": ([(1, "key", " "), (1, "decision", "strike")], "unknown-candidate", "r.csv:2", "key"),
    "changed": (
        [(2, "decision", "accept"), (2, "candidate", "Wer?")],
        "changed-candidate",
        "r.csv:3",
        "mend",
    ),
    "case": (
        [(1, "decision", "accept"), (1, "candidate", SHOUTED)],
        "changed-candidate",
        "r.csv:2",
        "mend",
    ),
    "unsaid": ([(2, "candidate", "Wer war denn da?")], "no-decision", "r.csv:3", "write mend"),
    "text-only": ([(2, "text", "Wer war da?")], "no-decision", "r.csv:3", "write mend"),
    "accept-text": (
        [(2, "decision", "accept"), (2, "text", "Wer?")],
        "text-without-mend",
        "r.csv:3",
        "mend",
    ),
    "strike-text": (
        [(2, "decision", "strike"), (2, "text", "Wer?")],
        "text-without-mend",
        "r.csv:3",
        "mend",
    ),
    "no-text": ([(2, "decision", "mend")], "no-text", "r.csv:3", "mended to"),
    "blank-text": (
        [(2, "decision", "mend"), (2, "text", " \n")],
        "no-text",
        "r.csv:3",
        "mended to",
    ),
    "same-text": (
        [(3, "decision", "mend"), (3, "text", "Was Amundsen first?")],
        "not-mended",
        "r.csv:4",
        "accept",
    ),
    "two-texts": (
        [(3, "decision", "mend"), (3, "text", "a"), (3, "candidate", "b")],
        "two-texts",
        "r.csv:4",
        "keep one",
    ),
    "hidden": (
        [(3, "decision", "mend"), (3, "text", HIDDEN)],
        "hidden-character",
        "r.csv:4",
        "U+202E",
    ),
    "shown": (
        [(3, "decision", "mend"), (3, "text", "a [U+00AD]")],
        "hidden-character",
        "r.csv:4",
        "U+00AD",
    ),
    "final": ([(3, "decision", "accept")], "final-doubt", "r.csv:4", "only mended or struck"),
    "question": (
        [(1, "decision", "accept"), (1, "question", "Who else?")],
        "other-row",
        "r.csv:2",
        "question",
    ),
    "purpose": (
        [(1, "decision", "strike"), (1, "purpose", "training")],
        "other-row",
        "r.csv:2",
        "purpose",
    ),
    "style": ([(1, "decision", "strike"), (1, "style", "syntax")], "other-row", "r.csv:2", "style"),
    "doubts": (
        [(1, "decision", "accept"), (1, "doubts", "none")],
        "other-doubts",
        "r.csv:2",
        "read",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_what_cannot_be_taken_up_says_where(tmp_path: Path, case: str) -> None:
    changes, rule, where, words = ERRORS[case]
    path = write(tmp_path / "r.csv", table(*changes))
    with pytest.raises(BenchmarkError) as caught:
        read_review(path, STATE, {})
    assert (caught.value.rule, caught.value.where) == (rule, where)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_columns_sorted_by_themselves_are_seen(tmp_path: Path) -> None:
    """The decisions and candidates of two rows were exchanged, their keys not."""
    rows = table((1, "decision", "accept"), (2, "decision", "accept"))
    rows[1][AT["candidate"]], rows[2][AT["candidate"]] = QUOTED.candidate.text, "=cmd() who"
    with pytest.raises(BenchmarkError, match="changed-candidate") as caught:
        read_review(write(tmp_path / "r.csv", rows), STATE, {})
    assert "rows 3 cannot" in str(caught.value)


def test_two_decisions_for_one_candidate(tmp_path: Path) -> None:
    rows = table((1, "decision", "accept"))
    rows.append([*rows[1]])
    rows[-1][AT["decision"]] = ""
    assert list(read_review(write(tmp_path / "r.csv", rows), STATE, {})) == [ROWS[0].key]
    rows[-1][AT["decision"]] = "strike"
    with pytest.raises(BenchmarkError, match=r"r.csv:6: two-decisions: pole: .*r.csv:2"):
        read_review(write(tmp_path / "r.csv", rows), STATE, {})


def test_a_table_read_again_says_nothing_new(tmp_path: Path) -> None:
    rows = table(*DECIDED)
    path = write(tmp_path / "r.csv", rows)
    taken = [found(FINAL), STATE[1]]
    assert read_review(path, taken, WANTED) == {}
    rows[1][AT["decision"]] = "strike"
    with pytest.raises(BenchmarkError, match=r"r.csv:2: decided-before: pole: .*accept"):
        read_review(write(path, rows), taken, WANTED)


def test_an_acceptance_is_of_the_doubts_that_were_shown(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", table((1, "decision", "accept")))
    more = doubtful(FARSIDE.candidate.text, FAR, CLUE)
    with pytest.raises(BenchmarkError, match="other-doubts"):
        read_review(path, [found(more)], {})
    found_now = read_review(path, STATE, {})[ROWS[0].key]
    assert isinstance(found_now, Decision)
    assert found_now.rules == ("other-meaning",)


PLAIN = csv_text(table(*DECIDED)).removeprefix("\ufeff")
NO_TABLES = {
    "latin-1": (PLAIN.replace("–", "-").encode("latin-1"), "Latin-1"),
    "utf-16": (csv_text(table()).encode("utf-16"), "UTF-16"),
    "utf-16-be": (csv_text(table()).removeprefix("\ufeff").encode("utf-16-be"), "UTF-16"),
    "empty": (b"", "no header"),
    "other": (b"question,answer\r\na,b\r\n", "no header"),
    "no-key": (csv_text([row[:-1] for row in table()]).encode(), "key"),
    "twice": (csv_text([[*row, row[-1]] for row in table()]).encode(), "'key' is there twice"),
    "wide": (csv_text([*table(), [*CELLS[1], "", "more"]]).encode(), "r.csv:6: too-many-cells"),
    "unclosed": (csv_text(table()).replace('"accept"', "").encode()[:-3], "r.csv:5: not-csv"),
    "stray": (csv_text(table()).replace('"pole","e', '"po"le","e').encode(), "r.csv:2: not-csv"),
    "workbook": (b"PK\x03\x04\x00\x00", "workbook"),
}


@pytest.mark.parametrize("case", NO_TABLES)
def test_what_is_no_table_says_what_to_do(tmp_path: Path, case: str) -> None:
    data, words = NO_TABLES[case]
    path = tmp_path / "r.csv"
    path.write_bytes(data)
    with pytest.raises(BenchmarkError, match=words):
        read_review(path, STATE, {})


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(BenchmarkError, match="unreadable"):
            read_review(path, STATE, {})
