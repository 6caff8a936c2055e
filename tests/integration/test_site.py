"""The site: what its pages say of rows, and what of strangers' text reaches them."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from dataclasses import fields, replace
from email.message import Message
from html import unescape
from pathlib import Path

import pytest

from tests.board_samples import (
    DOUBT,
    FACTS,
    KNOWLEDGE,
    SMALL_DOUBT,
    UTILITY,
    cell,
    sample_board,
    sample_claim,
    sample_division,
    sample_entry,
    varied_rows,
)
from unlearnbench.display import hidden_character
from unlearnbench.leaderboard import details
from unlearnbench.leaderboard import documents as pages_of_documents
from unlearnbench.leaderboard.board import Board
from unlearnbench.leaderboard.entry import AttestationEntry, ClaimedRow
from unlearnbench.leaderboard.export import as_csv, as_json, as_markdown
from unlearnbench.leaderboard.site import FIRST_PAGE_DIVISIONS, build_site

HOSTILE = "<img src=x onerror=alert(1)>\u202e|`*"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of every kind of row."""
    out = tmp_path_factory.mktemp("site")
    build_site(sample_board(varied_rows(5, HOSTILE)), out, lambda judge: 0.984)
    return out


def text_of(page: str) -> str:
    """What a reader of a page sees, in one line."""
    body = re.sub(r"<(style|script|svg).*?</\1>", " ", page.partition("<main")[2], flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).replace("\xa0", " ").split())


def page(site: Path, name: str) -> str:
    return text_of((site / name).read_text("utf-8"))


def test_the_base_s_knowledge_stands_above_the_rows(site: Path) -> None:
    (division,) = (site / "divisions").iterdir()
    for name in ("index.html", f"divisions/{division.name}"):
        shown = page(site, name)
        assert "answers 18 of 20 forget facts; retain 60.0 %, fluency 99.0 %" in shown
        assert "judge rules" in shown


def test_a_row_of_strict_names_the_ways_that_the_base_is_mute_in(tmp_path: Path) -> None:
    row = sample_entry("hard")
    ways = {"forget.strict": 0.5, "strict.begun": 0.25, "strict.drawn": 0.25, "strict.cloze": 0.0}
    of_base = {"forget.strict": 1.0, "strict.begun": 0.9, "strict.drawn": 0.0, "strict.cloze": 0.05}
    row = replace(
        row,
        scores=row.scores | {name: cell(share) for name, share in ways.items()},
        base_scores=row.base_scores | {name: cell(share) for name, share in of_base.items()},
    )
    division = replace(sample_division([row]), profile="strict")
    build_site(Board((division,), (), {}), tmp_path, lambda judge: None)
    shown = page(tmp_path, "rows/hard.html")
    assert "answers next to nothing in cloze, drawn: that nothing leaks there" in shown
    assert "standard 25.0" in page(tmp_path, f"divisions/{division.slug}.html")


def test_rows_of_standard_say_nothing_of_ways(site: Path) -> None:
    (division,) = (site / "divisions").iterdir()
    assert "answers next to nothing" not in page(site, "rows/row-0.html")
    assert 'class="tiers">standard' not in division.read_text("utf-8")


def test_doubts_and_reasons_are_words_beside_the_name(site: Path) -> None:
    shown = page(site, "index.html")
    assert "not ranked until run again: surroundings doubt: dtype" in shown
    assert "not ranked: retain below 20%" in shown
    row = page(site, "rows/doubtful.html")
    assert f"Not ranked until this is settled: {DOUBT.what} (ends when somebody else" in row
    assert f"To be known: {SMALL_DOUBT.what}" in row


def test_every_column_is_in_the_table(site: Path) -> None:
    head = (site / "index.html").read_text("utf-8").partition("<thead>")[2].partition("</thead>")[0]
    names = re.findall(r"<th[^>]*>([^<]+)</th>", head)
    assert names[:4] == ["rank", "row", "worst case", "all facts"]
    assert names[-3:] == ["judge", "size", "date"]
    assert "rules 98.4" in page(site, "index.html")


def test_the_scatter_stands_on_both_pages(site: Path) -> None:
    (division,) = (site / "divisions").iterdir()
    for path in (site / "index.html", division):
        text = path.read_text("utf-8")
        drawn = text.partition("<svg")[2].partition("</svg>")[0]
        assert len(re.findall('<text class="name"', drawn)) == 8 + 2
        assert drawn.count('class="mark reference"') == 2
        # Three keep less than 80 % of the base's retain, one next to nothing, one is in doubt.
        assert drawn.count(", not ranked</title>") == 5


def test_a_row_has_its_curves_and_its_matrix(site: Path) -> None:
    text = (site / "rows" / "attacked.html").read_text("utf-8")
    drawn = text.partition('aria-labelledby="relearning-title')[2].partition("</svg>")[0]
    for arm in ("near", "prose", "forget (taught)"):
        assert f">{arm}</text>" in drawn
        assert text.count(f'<th scope="row">{arm}</th>') == 4
    assert text.count('<td class="leaked">leaked</td>') == 10
    assert text.count("<td>not answered</td>") == 10 * (len(FACTS) - 1)
    assert "answer of fact-3" in text
    assert "<svg" not in (site / "rows" / "row-1.html").read_text("utf-8")


TOLD = {f.name for f in fields(ClaimedRow)} - {
    *("benchmark", "benchmark_version", "benchmark_fingerprint", "profile", "profile_fingerprint"),
    *("base", "base_id", "base_fingerprint", "judge", "judge_identity"),
}
"""Fields of a claim that nobody checks."""


@pytest.mark.parametrize("field", sorted(TOLD))
def test_what_was_only_told_is_not_among_the_checked(field: str) -> None:
    row = sample_entry("row")
    value = getattr(row.claim, field)
    changed = replace(row.claim, **{field: _other(value)})
    other = replace(row, claim=changed)
    assert details.checked(row, 0.98) == details.checked(other, 0.98)
    assert details.told(row) != details.told(other)


def _other(value: object) -> object:
    if isinstance(value, dict):
        return {"another": "one"}
    return 7 if isinstance(value, int) else "https://example.org/other"


def test_the_checkpoint_is_checked_once_somebody_ran_it_again() -> None:
    row = sample_entry("row")
    by = AttestationEntry("a", "re-run", "Eve", "", None, None, None, None, None, ())
    again = replace(row, levels=("logged", "re-run"), attestations=(by,))
    assert "Checkpoint" not in [one.term for one in details.checked(row, None)]
    found = {one.term: one for one in details.checked(again, None)}
    assert found["Checkpoint"].text == "run again by Eve"
    assert found["Checkpoint"].code == row.claim.fingerprint
    assert "not measured" in found["Judge"].text


def test_attacks_without_their_answers_are_told(tmp_path: Path) -> None:
    row = sample_entry("row", attacked=True)
    assert row.relearn is not None and row.stress is not None
    told = replace(
        row, relearn=replace(row.relearn, derived=False), stress=replace(row.stress, derived=False)
    )
    for entry, where, marks in (
        (row, details.checked(row, None), 0),
        (told, details.told(told), 2),
    ):
        assert {"Relearning", "Stress tests"} <= {one.term for one in where}
        build_site(sample_board([entry]), tmp_path, lambda judge: None)
        shown = page(tmp_path, "rows/row.html")
        assert shown.count("As told by the submitter: the answers") == marks
        table = page(tmp_path, "index.html").partition("worst case all facts")[2]
        assert table.count("as told") == marks
    assert "Relearning" not in {one.term for one in details.checked(told, None)}


def test_endless_settings_are_cut() -> None:
    settings = {f"name-{i}": "v" * 1000 for i in range(100)}
    claim = replace(sample_claim("n"), settings=settings, training={"a": {"b": {"c": "x\u202ey"}}})
    shown = {one.term: one.text for one in details.told(replace(sample_entry("r"), claim=claim))}
    assert len(shown["Engine settings"]) < 40 * 220
    assert shown["Engine settings"].endswith("; and 60 more")
    assert shown["Training"] == "a.b.c x[U+202E]y"


@pytest.mark.parametrize("name", ["index.html", "rows/doubtful.html"])
def test_text_of_strangers_is_text(site: Path, name: str) -> None:
    text = (site / name).read_text("utf-8")
    assert "<img" not in text and "\u202e" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;[U+202E]|`*" in text
    assert "default-src 'none'" in text


def test_links_lead_to_the_paper_and_to_how_to_submit(site: Path) -> None:
    for name, root in (("index.html", ""), ("rows/row-1.html", "../")):
        text = (site / name).read_text("utf-8")
        assert 'href="https://arxiv.org/abs/2509.02820"' in text
        assert f'href="{root}submit.html"' in text
    submit = (site / "submit.html").read_text("utf-8")
    assert "<h1>Submitting a row</h1>" in submit
    assert "unlearnbench submit" in submit
    links = re.findall(r'href="([^"]+)"', submit.partition("<main")[2])
    pages = ("submit.html", "trust.html", "board.")
    assert all(link.startswith(("https://", "#", *pages)) for link in links)


def test_every_link_inside_the_site_leads_somewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        for link in re.findall(r'(?:href|src)="([^"]+)"', path.read_text("utf-8")):
            if not link.startswith(("https://", "data:")):
                file, _, part = link.partition("#")
                target = (path.parent / file) if file else path
                assert target.is_file(), f"{path.name}: {link}"
                assert not part or f'id="{part}"' in target.read_text("utf-8")


CELLS = {
    "equals": "=1+1",
    "plus": "+1",
    "minus": "-1",
    "at": "@SUM(A1)",
    "full-width equals": "\uff1d1+1",
    "full-width plus": "\uff0b1",
    "full-width minus": "\uff0d1",
    "full-width at": "\uff20SUM",
    "small equals": "\ufe661",
    "superscript plus": "\u207a1",
    "minus sign": "\u22121",
    "tab": "\t=1",
    "carriage return": "\r=1",
    "line feed": "\n=1",
    "spaces": "   =1",
    "no-break space": "\xa0=1",
    "ideographic space": "\u3000=1",
    "zero width": "\u200b=1",
    "byte order mark": "\ufeff=1",
    "right-to-left": "\u202e=1",
    "tab alone": "\t+",
}


@pytest.mark.parametrize("case", CELLS)
def test_no_cell_of_the_csv_is_a_formula(case: str) -> None:
    row = sample_entry("row", name=CELLS[case])
    (read,) = csv.DictReader(io.StringIO(as_csv(sample_board([row]))))
    assert read["name"].startswith("'")
    assert hidden_character(read["name"]) is None


@pytest.mark.parametrize(
    "name", ["a = b", "1 + 1", "x@y", "漢字", "ＡＢ", "5 - 3", "–", "'quoted'"]
)
def test_a_harmless_cell_of_the_csv_stays_as_it_is(name: str) -> None:
    (read,) = csv.DictReader(io.StringIO(as_csv(sample_board([sample_entry("r", name=name)]))))
    assert read["name"] == name


def test_data_has_doubts_and_the_base_s_knowledge() -> None:
    board = sample_board([sample_entry("row", doubts=(DOUBT, SMALL_DOUBT))])
    (division,) = json.loads(as_json(board))
    assert (division["base_known"], division["base_asked"], division["judge"]) == (18, 20, "rules")
    (row,) = division["rows"]
    assert row["doubts"] == "surroundings, dtype"
    assert row["among_known"] == 0.25
    (line,) = csv.DictReader(io.StringIO(as_csv(board)))
    assert (line["base_known"], line["doubts"]) == ("18", "surroundings, dtype")
    table = as_markdown(board)
    assert "the base answers 18 of 20 forget facts, retain 60.0" in table
    assert "| surroundings, dtype |" in table
    rows = [text for text in table.splitlines() if text.startswith("|")]
    assert {text.count("|") for text in rows} == {11}
    shown = f"| {100 * (UTILITY.composite or 0):.1f} |"
    attacked = as_markdown(sample_board([sample_entry("row", attacked=True)]))
    assert (shown in attacked, shown in table) == (True, False)


def test_many_divisions_share_the_first_page(tmp_path: Path) -> None:
    names = [f"b{i}" for i in range(FIRST_PAGE_DIVISIONS + 3)]
    divisions = tuple(
        sample_division([sample_entry(f"{name}-{i}", i % 20) for i in range(30)], benchmark=name)
        for name in names
    )
    build_site(Board(divisions, (), {}), tmp_path, lambda judge: None)
    text = (tmp_path / "index.html").read_text("utf-8")
    assert text.count("<svg") == FIRST_PAGE_DIVISIONS
    assert "More divisions" in text and "smollm2-135m × b14 0.4.0" in text
    assert len(text) <= 500_000


def test_an_empty_board_is_a_page(tmp_path: Path) -> None:
    build_site(Board((), (), {}), tmp_path, lambda judge: None)
    assert "There are no submissions yet." in page(tmp_path, "index.html")


def test_many_rows_of_one_submitter_take_no_longer_than_their_number(tmp_path: Path) -> None:
    """Four times the rows in well below sixteen times the time; each page lists the first rows."""
    took = []
    for n in (100, 400):
        board = sample_board([sample_entry(f"row-{i}", i % 20) for i in range(n)])
        began = time.process_time()
        build_site(board, tmp_path / str(n), lambda judge: 0.98)
        took.append(time.process_time() - began)
    assert took[1] < 8 * took[0]
    assert "The first 50 of 400 in this division." in page(tmp_path / "400", "rows/row-0.html")


def test_knowledge_of_nothing_is_shown(tmp_path: Path) -> None:
    none = replace(KNOWLEDGE, known=0)
    division = replace(sample_division([sample_entry("r")]), base_knowledge=none)
    build_site(Board((division,), (), {}), tmp_path, lambda judge: None)
    assert "answers 0 of 20 forget facts" in page(tmp_path, "index.html")


REPOSITORIES = {
    "nothing known": ({}, [], None),
    "in a workflow": ({"GITHUB_REPOSITORY": "a/b"}, [], "https://github.com/a/b"),
    "elsewhere": (
        {"GITHUB_REPOSITORY": "a/b", "GITHUB_SERVER_URL": "https://git.example"},
        [],
        "https://git.example/a/b",
    ),
    "no address": ({"GITHUB_REPOSITORY": "a/b", "GITHUB_SERVER_URL": "javascript:x//"}, [], None),
    "listed": ({"GITHUB_REPOSITORY": "a/b"}, ["Repository, https://x.org/c/"], "https://x.org/c"),
    "another listed": (
        {},
        ["Issues, https://x.org/i", "Source, https://x.org/c"],
        "https://x.org/c",
    ),
    "listed without a name": ({}, ["https://x.org/c"], None),
}


@pytest.mark.parametrize("case", REPOSITORIES)
def test_the_address_of_the_code(
    case: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment, listed, expected = REPOSITORIES[case]
    for name in ("GITHUB_REPOSITORY", "GITHUB_SERVER_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    about = Message()
    for entry in listed:
        about["Project-URL"] = entry
    monkeypatch.setattr(pages_of_documents, "metadata", lambda name: about)
    build_site(Board((), (), {}), tmp_path, lambda judge: None)
    first = (tmp_path / "index.html").read_text("utf-8")
    assert f'<a href="{expected}">Code</a>' in first if expected else "Code</a>" not in first
    submit = (tmp_path / "submit.html").read_text("utf-8")
    schema = f"{expected}/blob/HEAD/leaderboard/schema/submission.schema.json"
    assert (schema in submit) is (expected is not None)
