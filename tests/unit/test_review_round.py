"""A review over several rounds, as files: nothing is lost, and nothing comes in by itself."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.review_samples import CLUE, FAR, INSIDE, decided, decision, doubtful, found, rechecking
from unlearnbench.authoring.cells import csv_text
from unlearnbench.authoring.decisions import DECISIONS, decision_lines
from unlearnbench.authoring.kept import accepted_rows
from unlearnbench.authoring.reading_back import read_review
from unlearnbench.authoring.review import COLUMNS, review_csv, review_rows, write_review
from unlearnbench.authoring.reviewing import ReviewTaken, take_review
from unlearnbench.benchmark.quality.beside import read_reviewed
from unlearnbench.errors import BenchmarkError
from unlearnbench.types import Fact, Paraphrase

FIRST, SECOND = doubtful("Name the first there."), doubtful("Which man won the race?", CLUE)
FINAL = doubtful("Was Amundsen the first?", INSIDE)
RAW = [found(FIRST, SECOND, FINAL, passed=["Who got there first?"])]


def make(out: Path, *, killed: bool = False) -> ReviewTaken:
    """What `make-benchmark` does with a review."""
    taken = take_review(out, RAW, rechecking("Norwegian"))
    (out / "making").mkdir(exist_ok=True)
    (out / "making" / DECISIONS).write_text(decision_lines(taken.decisions), "utf-8")
    if not killed:
        write_review(taken.paraphrased, out, taken.decisions)
    return taken


def decide(path: Path, *changes: tuple[str, str, str]) -> None:
    """Fill in (candidate, decision, text) as a person would."""
    rows = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline="")))
    for text, choice, mended in changes:
        row = next(row for row in rows if row[5] == text)
        row[7:9] = choice, mended
    path.write_text(csv_text(rows), "utf-8")


def inside(taken: ReviewTaken) -> list[str]:
    return [c.text for one in taken.paraphrased for c in one.evaluation]


def test_from_the_first_table_to_the_last(tmp_path: Path) -> None:
    table = tmp_path / "review.csv"
    assert inside(make(tmp_path)) == ["Who got there first?"]
    decide(
        table,
        (FIRST.candidate.text, "accept", ""),
        (FINAL.candidate.text, "mend", "Which Norwegian?"),
    )
    assert inside(make(tmp_path)) == ["Who got there first?", FIRST.candidate.text]
    assert [row.checked.candidate.text for row in review_rows(make(tmp_path).paraphrased)] == [
        SECOND.candidate.text,
        "Which Norwegian?",
    ]
    decide(table, (SECOND.candidate.text, "strike", ""), ("Which Norwegian?", "accept", ""))
    last = make(tmp_path)
    assert inside(last) == ["Who got there first?", FIRST.candidate.text, "Which Norwegian?"]
    assert not table.exists()
    assert make(tmp_path) == last
    assert {d.choice for d in last.decisions.values()} == {"accept", "mend", "strike"}


def test_killed_between_keeping_and_writing(tmp_path: Path) -> None:
    make(tmp_path)
    decide(tmp_path / "review.csv", (FIRST.candidate.text, "accept", ""))
    first = make(tmp_path, killed=True)
    assert make(tmp_path) == first
    assert inside(first) == ["Who got there first?", FIRST.candidate.text]


def test_a_table_that_lies_elsewhere(tmp_path: Path) -> None:
    make(tmp_path)
    other = tmp_path / "review (1).csv"
    other.write_bytes((tmp_path / "review.csv").read_bytes())
    decide(other, (FIRST.candidate.text, "accept", ""))
    taken = take_review(tmp_path, RAW, rechecking(), other)
    assert inside(taken) == ["Who got there first?", FIRST.candidate.text]
    with pytest.raises(BenchmarkError, match="unreadable"):
        take_review(tmp_path, RAW, rechecking(), tmp_path / "none.csv")


def test_kept_reviews_are_what_the_checks_read(tmp_path: Path) -> None:
    make(tmp_path)
    decide(tmp_path / "review.csv", (FIRST.candidate.text, "accept", ""))
    taken = make(tmp_path)
    own = _fact(taken)
    rows = accepted_rows([own], taken.decisions)
    lines = "".join(f"{row.model_dump_json()}\n" for row in rows)
    (tmp_path / "reviewed.jsonl").write_text(lines, "utf-8")
    assert read_reviewed(tmp_path)["far"] == {("pole", FIRST.candidate.text)}


def _fact(taken: ReviewTaken) -> Fact:
    one = taken.paraphrased[0]
    return replace(one.fact, paraphrases=tuple(Paraphrase("x", c.text) for c in one.evaluation))


CELL = st.one_of(
    st.sampled_from(["", "accept", "strike", "mend", "ACCEPT ", "no", "=1", "Who won it?", '"']),
    st.text(max_size=8),
)
COLUMN = st.one_of(st.just(7), st.sampled_from([7, 8]), st.integers(0, len(COLUMNS) - 1))
EDITS = st.lists(st.tuples(st.integers(0, 3), COLUMN, CELL), max_size=6)


@settings(max_examples=300)
@given(EDITS, st.permutations(range(3)), st.sampled_from(",;\t"))
def test_whatever_is_typed(
    tmp_path_factory: pytest.TempPathFactory, edits: list, order: list[int], delimiter: str
) -> None:
    """A decision is only what stands in the row of its own candidate, as it was shown."""
    rows = [list(COLUMNS), *(list(row.cells) for row in review_rows(RAW))]
    for row, column, cell in edits:
        rows[row][column] = cell
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([rows[0], *(rows[n + 1] for n in order)])
    path = tmp_path_factory.getbasetemp() / "typed.csv"
    path.write_text(text.getvalue(), "utf-8", "surrogatepass")
    try:
        found_now = read_review(path, RAW, {})
    except BenchmarkError:
        return
    by_key = {row[-1].strip(): row for row in rows[1:]}
    for key, one in found_now.items():
        row = by_key[key]
        assert row[7].strip().casefold() == one.choice
        if one.choice == "accept":
            assert key != review_rows([found(FINAL)])[0].key
            assert "".join(row[5].split()) == "".join(_shown(key)[5].split())


def _shown(key: str) -> tuple[str, ...]:
    return next(row.cells for row in review_rows(RAW) if row.key == key)


@settings(max_examples=300)
@given(st.binary(max_size=30), st.integers(0, 400), st.integers(0, 40))
def test_damaged_bytes(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, at: int, gone: int
) -> None:
    """A file that is cut or spoilt is read, or refused in one line; it never accepts anything."""
    whole = review_csv(review_rows(RAW)).encode()
    path = tmp_path_factory.getbasetemp() / "damaged.csv"
    path.write_bytes(whole[:at] + data + whole[at + gone :])
    try:
        assert all(d.choice != "accept" for d in read_review(path, RAW, {}).values())
    except BenchmarkError as error:
        assert "\n" not in str(error)


def test_a_decision_taken_up_twice_is_taken_up_once(tmp_path: Path) -> None:
    some = decided(decision(FIRST, "accept"), decision(doubtful("Gone?", FAR), "accept"))
    (tmp_path / "making").mkdir()
    (tmp_path / "making" / DECISIONS).write_text(decision_lines(some), "utf-8")
    assert inside(make(tmp_path)) == inside(make(tmp_path))
