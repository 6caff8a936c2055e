"""The review in a browser: by keyboard, on a phone, without scripts; its table is the program's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Visit
from tests.review_samples import CLUE, FAR, INSIDE, decided, decision, doubtful, fact, found
from unlearnbench.authoring.cells import csv_text
from unlearnbench.authoring.reading_back import read_review
from unlearnbench.authoring.review import COLUMNS, review_rows, write_review

HOSTILE = "<img src=x onerror=document.title='owned'></script>\u202e"
WIDTHS = (1280, 390)
LONG = "Which of the two expeditions that raced each other over the ice, the one, " * 3
ONE = doubtful("=HYPERLINK(1);=who got there first, and by ski, from the north?", FAR, CLUE)
TWO = doubtful("Was Amundsen the first?", INSIDE)
THREE = doubtful('Wer war zuerst am "Südpol", می\u200cخواهم?', FAR, purpose="training")
HOST = doubtful(f"Who {HOSTILE} won?", CLUE, of="two")
STATE = [
    found(ONE, TWO, THREE),
    found(HOST, doubtful(LONG, FAR, CLUE, of="two"), of=fact("two", f"Who {HOSTILE} was it?")),
]
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("review")
    write_review(STATE, folder, {})
    return folder / "review.html"


def downloaded(page: Any, path: Path) -> bytes:
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download review.csv").click()
    assert waiting.value.suggested_filename == "review.csv"
    waiting.value.save_as(path)
    return path.read_bytes()


def press(page: Any, *keys: str) -> None:
    for one in keys:
        page.keyboard.press(one)


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.id"))


def test_it_asks_for_nothing_and_complains_of_nothing(browser: Any, review: Path) -> None:
    with Visit(browser, review.as_uri()) as visit:
        visit.page.wait_for_timeout(200)
        assert [u for u in visit.requests if not u.startswith("data:")] == [review.as_uri()]
        assert visit.complaints == []
        assert "owned" not in visit.page.title()
        assert visit.page.locator("img").count() == 0
        assert "<img src=x" in visit.page.locator("#r4 dd").first.inner_text()
        assert "[U+202E]" in visit.page.locator("#r4 dd").first.inner_text()


def test_undecided_it_is_the_table_that_was_written(
    browser: Any, review: Path, tmp_path: Path
) -> None:
    with Visit(browser, review.as_uri()) as visit:
        data = downloaded(visit.page, tmp_path / "r.csv")
    assert data == review.with_name("review.csv").read_bytes()


def test_by_keyboard_alone(browser: Any, review: Path, tmp_path: Path) -> None:
    with Visit(browser, review.as_uri()) as visit:
        page = visit.page
        page.locator("#r1").focus()
        press(page, "a")
        assert focused(page) == "r2"
        press(page, "a")  # cannot be accepted
        assert focused(page) == "r2"
        press(page, "m")
        assert focused(page) == "t2"
        assert page.locator("#e2").is_visible()
        press(page, "Enter")
        assert focused(page) == "t2"
        press(page, "Control+a")
        page.keyboard.type("-Who was first,   as seen by an Ästhet; =1?")
        assert page.locator("#e2").is_hidden()
        press(page, "Enter")
        assert focused(page) == "r3"
        press(page, "j", "s")
        assert focused(page) == "r5"
        press(page, "k", "u", "j", "s")
        assert focused(page) == "r3"
        told = "3 of 5 decided: 1 accepted, 1 struck, 1 mended"
        assert page.locator("#count").inner_text() == told
        assert page.locator("progress").evaluate("bar => bar.value") == 3
        page.get_by_label("Your name").fill("@Ada")
        data = downloaded(page, tmp_path / "r.csv")
    mended = "-Who was first, as seen by an Ästhet; =1?"
    read = read_review(tmp_path / "r.csv", STATE, {})
    last = STATE[1].doubtful[1]
    assert read == decided(
        decision(ONE, "accept", by="@Ada"),
        decision(TWO, "mend", mended, by="@Ada"),
        decision(last, "strike", by="@Ada"),
    )
    cells = [list(row.cells) for row in review_rows(STATE)]
    for row, choice, text in ((0, "accept", ""), (1, "mend", mended), (4, "strike", "")):
        cells[row][-4:-1] = choice, text, "@Ada"
    assert data == csv_text([COLUMNS, *cells]).encode()


def test_what_hides_in_a_text_survives_mending(browser: Any, review: Path, tmp_path: Path) -> None:
    with Visit(browser, review.as_uri()) as visit:
        visit.page.locator("#r3 fieldset label", has_text="Mend").click()
        press(visit.page, "End")
        visit.page.keyboard.type("!")
        downloaded(visit.page, tmp_path / "r.csv")
    read = read_review(tmp_path / "r.csv", STATE, {})
    assert [one.text for one in read.values()] == [f"{THREE.candidate.text}!"]


def test_by_mouse_and_undone(browser: Any, review: Path) -> None:
    with Visit(browser, review.as_uri()) as visit:
        page = visit.page
        page.locator("#r1 fieldset label", has_text="Strike").click()
        assert page.locator("#count").inner_text().startswith("1 of 5")
        page.locator("#r1").get_by_role("button", name="Undo").click()
        assert page.locator("#count").inner_text().startswith("0 of 5")
        assert page.locator("#r1 input:checked").count() == 0
        assert page.locator("#r2 input[value=accept]").is_disabled()
        page.get_by_role("button", name="Next undecided").click()
        assert focused(page) == "r1"


def test_letters_in_a_text_decide_nothing(browser: Any, review: Path) -> None:
    with Visit(browser, review.as_uri()) as visit:
        press(visit.page, "a", "s")
        visit.page.get_by_label("Your name").focus()
        visit.page.keyboard.type("massaud")
        visit.page.locator("#r1 fieldset label", has_text="Mend").click()
        visit.page.keyboard.type("as")
        assert visit.page.locator("#count").inner_text().startswith("1 of 5")
        visit.page.locator("#r2").focus()
        press(visit.page, "Control+a", "Alt+s")
        assert visit.page.locator("#count").inner_text().startswith("1 of 5")


def test_a_page_that_is_opened_again_knows_what_was_decided(browser: Any, review: Path) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(review.as_uri())
    page.locator("#r1 fieldset label", has_text="Accept").click()
    page.close()
    again = context.new_page()
    again.goto(review.as_uri())
    assert again.locator("#count").inner_text().startswith("1 of 5")
    assert again.locator("#r1 input[value=accept]").is_checked()
    context.close()


def test_without_scripts_everything_can_be_read(browser: Any, review: Path) -> None:
    with Visit(browser, review.as_uri(), java_script_enabled=False) as visit:
        assert visit.page.locator(".row").count() == 5
        assert visit.page.locator("#r2 dd").all_inner_texts()[2] == TWO.candidate.text
        assert visit.page.locator("input, textarea, button").first.is_hidden()
        assert visit.page.locator("noscript p").is_visible()


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_page(browser: Any, review: Path, width: int) -> None:
    with Visit(browser, review.as_uri(), width) as visit:
        visit.page.locator("#r5 fieldset label", has_text="Mend").click()
        assert visit.page.evaluate("document.documentElement.scrollWidth") == width


def test_what_has_the_focus_is_not_covered(browser: Any, review: Path) -> None:
    with Visit(browser, review.as_uri(), 390) as visit:
        visit.page.locator("#r1").focus()
        for _ in range(40):
            press(visit.page, "Tab")
            covered = visit.page.evaluate(
                """() => { const one = document.activeElement.getBoundingClientRect();
                const bar = document.querySelector(".bar").getBoundingClientRect();
                return !document.activeElement.closest(".bar") && one.height < 300
                && one.bottom > bar.top + 1 && one.top < bar.bottom; }"""
            )
            assert not covered, focused(visit.page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing(browser: Any, review: Path, scheme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe")
    with Visit(browser, review.as_uri(), width, color_scheme=scheme) as visit:
        for n, choice in enumerate(("Accept", "Mend", "Strike"), start=1):
            visit.page.locator(f"#r{n} fieldset label", has_text=choice).click()
        visit.page.locator("summary").click()
        visit.page.add_style_tag(content=".row { content-visibility: visible }")
        result = axe.Axe().run(visit.page)
        assert len(result.response["passes"]) > 20
        assert result.violations_count == 0, result.generate_report()
