"""Cells that no spreadsheet program runs, and that come back as they were."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnbench.authoring.cells import csv_text, neutral, restored, shown_cell, typed_text

RUN = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "=cmd|' /C calc'!A0",
    "  =1+1",
    "＝1",
    "'=1",
    "''@x",
    "a;=cmd()",
    'x";=HYPERLINK("http://a")',
    "a\n=1",
    "a\t-1",
    "a;  @b",
]
HARMLESS = ["", "Who won?", "'tis true", "a = b", "it's -5 degrees", "1-2", "[U+0041]", "a, -b"]


@pytest.mark.parametrize("text", RUN, ids=[f"run{n}" for n in range(len(RUN))])
def test_a_formula_gets_an_apostrophe(text: str) -> None:
    assert neutral(text).count("'") > text.count("'")
    assert restored(neutral(text)) == text


@pytest.mark.parametrize("text", HARMLESS, ids=[f"calm{n}" for n in range(len(HARMLESS))])
def test_what_is_harmless_stays(text: str) -> None:
    assert neutral(text) == text == restored(text)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
@pytest.mark.parametrize("text", RUN, ids=[f"run{n}" for n in range(len(RUN))])
def test_no_program_sees_a_formula(text: str, delimiter: str) -> None:
    """Not even one that takes another sign than the comma for the end of a cell."""
    content = csv_text([["x", text, "y"]]).removeprefix("\ufeff")
    for row in csv.reader(io.StringIO(content, newline=""), delimiter=delimiter):
        assert not [cell for cell in row if cell.strip().startswith(("=", "+", "-", "@", "＝"))]


@given(st.text(st.sampled_from("a'=+-@\t\r\n; \u00a0\"é＝")))
def test_every_text_comes_back(text: str) -> None:
    assert restored(neutral(text)) == text
    content = csv_text([[text, "b"]]).removeprefix("\ufeff")
    assert [restored(c) for c in next(csv.reader(io.StringIO(content, newline="")))] == [text, "b"]


def test_what_hides_is_shown_and_read_as_it_was() -> None:
    hidden = "Wer\u200bwar \u202eda, می\u200cخواهم?"
    assert shown_cell(hidden) == "Wer[U+200B]war [U+202E]da, می[U+200C]خواهم?"
    assert typed_text(shown_cell(hidden)) == hidden
    assert typed_text("[U+D800] [U+FFFFFF]") == "[U+D800] [U+FFFFFF]"
    assert shown_cell("\ud800") == "[U+D800]"
    assert typed_text("  one \r\n two\u00a0") == "one two"


def test_a_cell_is_not_longer_than_spreadsheets_hold() -> None:
    assert len(shown_cell("x" * 100_000)) < 32_767
