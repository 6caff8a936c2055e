"""The review as files: the table, the page, and the decisions that are kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.review_samples import CLUE, INSIDE, candidate, decided, decision, doubtful, fact, found
from unlearnbench.authoring.decisions import candidate_key, decision_lines, stored_decisions
from unlearnbench.authoring.review import review_rows, write_review
from unlearnbench.errors import BenchmarkError
from unlearnbench.paraphrasing.candidates import CandidateDoubt

ONE, TWO = doubtful("Name the first there."), doubtful("Which man?", CLUE, purpose="training")
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \u202e <!-- ]]>"


def test_both_files_are_written_and_go_away(tmp_path: Path) -> None:
    assert write_review([found(ONE, TWO)], tmp_path, {}) == 2
    names = {"review.csv", "review.html"}
    assert {path.name for path in tmp_path.iterdir()} == names
    before = (tmp_path / "review.html").read_bytes(), (tmp_path / "review.csv").read_bytes()
    assert write_review([found(ONE, TWO)], tmp_path, {}) == 2
    assert before == (
        (tmp_path / "review.html").read_bytes(),
        (tmp_path / "review.csv").read_bytes(),
    )
    assert write_review([found()], tmp_path, {}) == 0
    assert list(tmp_path.iterdir()) == []


def test_decisions_that_were_not_taken_up_are_not_overwritten(tmp_path: Path) -> None:
    write_review([found(ONE, TWO)], tmp_path, {})
    path = tmp_path / "review.csv"
    data = path.read_bytes().replace(b'"","","","c', b'"strike","","","c', 1)
    path.write_bytes(data)
    for state in ([found(ONE, TWO)], [found()]):
        with pytest.raises(BenchmarkError, match=r"review.csv:2: not-taken-up: .*--resume"):
            write_review(state, tmp_path, {})
        assert path.read_bytes() == data
    assert write_review([found(TWO)], tmp_path, decided(decision(ONE, "strike"))) == 1


def test_one_candidate_is_one_row() -> None:
    again = doubtful(ONE.candidate.text, CandidateDoubt("duplicate-wording", "", final=True))
    rows = review_rows([found(ONE, TWO, again)])
    assert [row.checked for row in rows] == [ONE, TWO]


def test_doubts_are_in_plain_words() -> None:
    odd = doubtful("Was Amundsen?", INSIDE, CLUE, CandidateDoubt("new-rule", ""))
    cells = review_rows([found(odd)])[0].cells
    assert cells[6] == (
        "Gives the answer away: holds 'Amundsen' (it cannot be accepted as it stands) | "
        "Adds a name or a number that the question does not have: 'Norwegian' | New rule"
    )


def test_hostile_text_is_text_on_the_page(tmp_path: Path) -> None:
    own = fact(HOSTILE, HOSTILE)
    write_review([found(doubtful(HOSTILE, CandidateDoubt(HOSTILE, HOSTILE)), of=own)], tmp_path, {})
    page = (tmp_path / "review.html").read_text("utf-8")
    assert page.count("<script") == page.count("</script") == 2
    assert "<img" not in page
    assert "<!--" not in page
    assert "\u202e" not in page
    data = page.partition('id="data">')[2].partition("</script>")[0]
    assert json.loads(data)["texts"] == [HOSTILE]


def test_nothing_on_the_page_is_from_elsewhere(tmp_path: Path) -> None:
    write_review([found(ONE)], tmp_path, {})
    page = (tmp_path / "review.html").read_text("utf-8")
    assert "http:" not in page
    assert "https:" not in page
    assert "default-src 'none'" in page


def test_keys_tell_candidates_apart() -> None:
    some = [
        candidate("a"),
        candidate("b"),
        candidate("a", of="two"),
        candidate("a", purpose="training"),
        candidate("\ud800"),
    ]
    assert len({candidate_key(one) for one in some}) == len(some)
    assert candidate_key(candidate("a", style="syntax", origin="x")) == candidate_key(
        candidate("a")
    )
    assert not any(candidate_key(one)[0].isdigit() for one in some)


def test_decisions_are_kept(tmp_path: Path) -> None:
    some = decided(decision(ONE, "mend", 'Wer "war" da?', by="Ada"), decision(TWO, "accept"))
    assert stored_decisions(tmp_path) == {}
    (tmp_path / "decisions.jsonl").write_text(decision_lines(some), "utf-8")
    assert stored_decisions(tmp_path) == some
    assert decision_lines(dict(reversed(some.items()))) == decision_lines(some)


@pytest.mark.parametrize(
    ("line", "rule"),
    [('{"key": "a"}', "missing-key"), ("{", "invalid-json"), ("again", "two-decisions")],
    ids=["short", "cut", "twice"],
)
def test_damaged_decisions_are_refused(tmp_path: Path, line: str, rule: str) -> None:
    good = decision_lines(decided(decision(ONE, "accept")))
    (tmp_path / "decisions.jsonl").write_text(good + (good if line == "again" else line), "utf-8")
    with pytest.raises(BenchmarkError, match=rf"decisions.jsonl:2: {rule}"):
        stored_decisions(tmp_path)
