"""The board: divisions, anchors, tombstones, copies, and the site that shows them."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.conftest import ABOUT
from tests.forgeries.changes import put
from tests.forgeries.forgery import seal, used
from unlearnbench.api.submissions import accepted_bases, build_leaderboard, submit
from unlearnbench.errors import SubmissionError
from unlearnbench.judging.rules.judge import RulesJudge
from unlearnbench.leaderboard.board import Board
from unlearnbench.leaderboard.ranking import ranked
from unlearnbench.leaderboard.site import build_site
from unlearnbench.protocol.profiles import PROFILES
from unlearnbench.types.options import About


@pytest.fixture(scope="module")
def submissions(
    good_submission: Path,
    scripted_runs: dict[str, Path],
    bases: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Two good rows, one that is withdrawn, one that is broken."""
    folder = tmp_path_factory.mktemp("submissions")
    shutil.copytree(good_submission, folder / "refusal-tuning")
    about = About("=Second <b>row</b>", *ABOUT[1:])
    out = folder / "second-row"
    submit(scripted_runs["forgets-b"], "knows-all-wkf", about, out=out, bases=bases)
    (folder / "taken-back").mkdir()
    (folder / "taken-back" / "WITHDRAWN").write_text("The data were mixed up.")
    (folder / "broken").mkdir()
    (folder / "broken" / "submission.json").write_text("{}")
    return folder


@pytest.fixture(scope="module")
def built(
    submissions: Path, bases: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Board, Path]:
    out = tmp_path_factory.mktemp("site")
    return build_leaderboard(out, submissions, out.with_name("kept"), bases).board, out


def test_the_readme_shows_the_board_that_ships(tmp_path: Path) -> None:
    board = build_leaderboard(tmp_path).board
    assert board.refused == ()
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    shown = readme.partition("<!-- board -->\n")[2].partition("\n<!-- /board -->")[0]
    assert shown == (tmp_path / "board.md").read_text("utf-8").rstrip("\n")


def test_a_name_cannot_leave_its_markdown_cell(built: tuple[Board, Path]) -> None:
    text = (built[1] / "board.md").read_text("utf-8")
    assert "=Second \\<b\\>row\\</b\\>" in text
    (line,) = [line for line in text.splitlines() if "Second" in line]
    assert line.count(" | ") == 9


def test_retain_by_tier_and_the_judge_s_specificity(built: tuple[Board, Path]) -> None:
    page = (built[1] / "index.html").read_text("utf-8")
    assert "topic 100.0<br>field 100.0<br>general 100.0" in page
    assert "rules <small>100.0</small>" in page


def test_the_plot_names_every_row_and_anchor(built: tuple[Board, Path]) -> None:
    (division,) = built[0].divisions
    page = (built[1] / "divisions" / f"{division.slug}.html").read_text("utf-8")
    drawn = page.partition("<svg")[2].partition("</svg>")[0]
    assert len(re.findall('<text class="name"', drawn)) == len(division.rows) + 3
    assert drawn.count('class="mark reference"') == len(division.anchors) == 3
    assert drawn.count('class="cross ') == len(division.rows) + 3
    assert (built[1] / "charts.css").read_text("utf-8").startswith(".chart {")


def test_the_matrix_of_a_row_is_that_of_its_run(built: tuple[Board, Path]) -> None:
    (division,) = built[0].divisions
    for row in division.rows:
        page = (built[1] / "rows" / f"{row.id}.html").read_text("utf-8")
        leaked = sum(line.count("x") for line in row.matrix.lines.values())
        assert page.count('<td class="leaked">leaked</td>') == leaked
        assert len(row.matrix.lines) == row.base_knowledge.asked == 40
        for fact, leaks in row.states.items():
            assert ("x" in row.matrix.lines[fact]) is leaks


def test_divisions_and_ranks(built: tuple[Board, Path]) -> None:
    (division,) = built[0].divisions
    assert (division.benchmark, division.base) == ("wkf", "knows-all")
    assert {row.id for row in division.rows} == {"refusal-tuning", "second-row"}
    worst = [row.scores["forget.worst_case"].value for row in division.rows]
    assert worst == sorted(worst)
    for row in division.rows:
        assert row.trust == "logged"
        assert list(row.doubts) == []
        assert row.outside == []
        assert row.rank is not None
        assert 1 <= row.rank[0] <= row.rank[1] <= 2


def test_anchors_say_what_the_columns_mean(built: tuple[Board, Path]) -> None:
    base, refuses, babbles = built[0].divisions[0].anchors
    assert base.scores["forget.worst_case"].value == 1.0
    assert refuses.scores["forget.worst_case"].value == 0.0
    assert refuses.scores["retain.mean"].value == 0.0
    assert refuses.scores["fluency"].value == 1.0
    assert babbles.scores["fluency"].value == 0.0


def test_what_is_not_a_row(built: tuple[Board, Path]) -> None:
    board, out = built
    assert board.tombstones == {"taken-back": "The data were mixed up."}
    assert [row.id for row in board.refused] == ["broken"]
    page = (out / "index.html").read_text("utf-8")
    assert "The data were mixed up." in page
    (reason,) = board.refused[0].reasons
    assert reason.startswith("submission.json, schema_version: schema: ")
    assert "submission.json, schema_version: schema: " in page


def test_text_of_strangers_is_text(built: tuple[Board, Path]) -> None:
    out = built[1]
    for page in (out / "index.html", out / "rows" / "second-row.html"):
        text = page.read_text("utf-8")
        assert "<b>row</b>" not in text
        assert "=Second &lt;b&gt;row&lt;/b&gt;" in text
        assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text
    rows = list(csv.DictReader(io.StringIO((out / "board.csv").read_text("utf-8"))))
    assert "'=Second <b>row</b>" in {row["name"] for row in rows}
    data = json.loads((out / "board.json").read_text("utf-8"))
    assert len(data[0]["rows"]) == 2


def test_a_row_is_verified_once(
    submissions: Path, bases: Path, built: tuple[Board, Path], tmp_path: Path
) -> None:
    """From what was kept the same board comes; a changed file is looked at again."""
    kept = built[1].with_name("kept")
    began = used()
    again = build_leaderboard(tmp_path / "again", submissions, kept, bases).board
    warm = used() - began
    assert again == built[0]
    assert warm < 5
    copy = tmp_path / "copy"
    shutil.copytree(submissions, copy)
    answers = copy / "second-row" / "run" / "completions.jsonl"
    answers.write_bytes(answers.read_bytes().replace(b"No idea", b"No clue", 1))
    changed = build_leaderboard(tmp_path / "changed", copy, kept, bases).board
    assert {row.id for row in changed.refused} == {"broken", "second-row"}


@pytest.mark.parametrize("what", ["judge", "benchmark", "profile", "base"])
def test_what_is_remembered_ends_with_what_it_was_checked_by(
    what: str, bases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that another version accepted is verified anew, however little of it has changed."""
    copy = shutil.copytree(bases, tmp_path / "bases")
    before = accepted_bases(copy).context()
    assert accepted_bases(copy).context() == before
    if what == "judge":
        monkeypatch.setattr(RulesJudge, "identity", "0" * 64)
    elif what == "benchmark":
        path = "unlearnbench.submissions.bases.shipped_benchmark"
        monkeypatch.setattr(path, lambda *_: SimpleNamespace(fingerprint="0" * 64))
    elif what == "profile":
        monkeypatch.delitem(PROFILES, "paper")
    else:
        (copy / "knows-all-wkf" / "SHA256SUMS").write_text("changed")
    assert accepted_bases(copy).context() != before


def test_copied_answers_are_not_ranked(good_submission: Path, bases: Path, tmp_path: Path) -> None:
    """The earlier of two rows with the same answers is ranked, the later one only claimed."""
    copy = tmp_path / "copy"
    shutil.copytree(good_submission, copy / "original")
    shutil.copytree(good_submission, copy / "copied")
    put("run", "identity", "checkpoint", value="f" * 64)(copy / "copied")
    put("created", value=later(copy / "original"))(copy / "copied")
    seal(copy / "copied")
    (division,) = build_leaderboard(tmp_path / "site", copy, None, bases).board.divisions
    first, second = division.rows
    assert (first.id, first.trust, first.rank) == ("original", "logged", (1, 1))
    assert (second.id, second.trust, second.rank) == ("copied", "claimed", None)
    assert second.levels == ["claimed"]
    assert second.reasons == [
        "run/completions.jsonl: copy: its answers are those of original, which is earlier"
    ]


def later(folder: Path) -> str:
    """An hour after a row was sent."""
    claim = json.loads((folder / "submission.json").read_text("utf-8"))
    return (datetime.fromisoformat(claim["created"]) + timedelta(hours=1)).isoformat()


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(SubmissionError, match="no folder of submissions"):
        build_leaderboard(tmp_path / "site", tmp_path / "nowhere")


def test_two_thousand_rows(built: tuple[Board, Path], tmp_path: Path) -> None:
    """Pages, plot and data of 2,000 made-up rows; the first page stays small."""
    first = built[0].divisions[0]
    like = first.rows[0]
    rows = []
    for number in range(2000):
        states = {f: (hash_of(f, number) < number % 10) for f in like.states}
        claim = replace(like.claim, submitter=f"Person {number % 700}")
        rows.append(replace(like, id=f"row-{number}", claim=claim, states=states, doubts=()))
    began = time.process_time()
    division = replace(first, rows=tuple(ranked(rows)))
    pages = build_site(Board((division,), (), {}), tmp_path / "site", lambda judge: 0.984)
    assert pages >= 2002
    assert division.rows[0].rank is not None
    assert time.process_time() - began < 30
    assert (tmp_path / "site" / "index.html").stat().st_size <= 500_000


def hash_of(fact: str, number: int) -> int:
    import hashlib

    return hashlib.sha256(f"{fact}/{number}".encode()).digest()[0] % 10


def test_pages_of_rows_that_have_gone_go_too(built: tuple[Board, Path], tmp_path: Path) -> None:
    board, site = built[0], tmp_path / "site"
    build_site(board, site, lambda judge: None)
    gone, *kept = (row for division in board.divisions for row in division.rows)
    smaller = replace(board.divisions[0], rows=tuple(kept))
    build_site(Board((smaller,), (), {gone.id: "taken back"}), site, lambda judge: None)
    assert sorted(p.stem for p in (site / "rows").iterdir()) == sorted(row.id for row in kept)
