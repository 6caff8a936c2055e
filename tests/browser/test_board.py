"""The leaderboard in a browser: sorting, filtering, deep links, keyboard, dark, accessible."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.board_samples import sample_board, sample_division, varied_rows
from tests.browser.conftest import OVERLAPS, Visit
from tests.loopback import serving
from unlearnbench.leaderboard.site import build_site

HOSTILE = "<img src=x onerror=document.title='owned'>"
WIDTHS = (1280, 390)
pytestmark = pytest.mark.browser


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words: Any) -> None:
        """Keep the test's output clean."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A built board of every kind of row, served on this machine."""
    folder = tmp_path_factory.mktemp("board")
    build_site(sample_board(varied_rows(5, HOSTILE)), folder, lambda judge: 0.984)
    handler = partial(_Quiet, directory=str(folder))
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as address:
        yield f"{address}/"


DIVISION = f"divisions/{sample_division([]).slug}.html"
PAGES = ("index.html", DIVISION, "rows/attacked.html", "rows/doubtful.html", "submit.html")
N_ROWS = 8


def names(page: Any) -> list[str]:
    rows = page.locator("table.board tbody").first.locator("tr")
    seen = [row.get_attribute("id") for row in rows.all() if row.is_visible()]
    return [name.removeprefix("row-") for name in seen]


@pytest.mark.parametrize("path", PAGES)
def test_nothing_from_elsewhere_and_no_complaint(browser: Any, site: str, path: str) -> None:
    with Visit(browser, site + path) as visit:
        visit.page.wait_for_timeout(200)
        assert all(url.startswith((site, "data:")) for url in visit.requests)
        assert visit.complaints == []
        assert "owned" not in visit.page.title() or "onerror" in visit.page.title()
        assert visit.page.locator("img").count() == 0


def test_what_others_found(browser: Any, site: str) -> None:
    with Visit(browser, site + "rows/attacked.html") as visit:
        region = visit.page.get_by_role("region", name="What others found")
        assert HOSTILE in region.inner_text()
        assert "relearnt 40.0 %" in region.inner_text()


def test_sorting_and_the_address(browser: Any, site: str) -> None:
    with Visit(browser, site) as visit:
        page = visit.page
        before = names(page)
        button = page.get_by_role("button", name="row", exact=True)
        button.focus()
        page.keyboard.press("Enter")
        assert button.locator("..").get_attribute("aria-sort") == "ascending"
        first = names(page)
        page.keyboard.press("Enter")
        assert names(page) == first[::-1]
        assert sorted(before) == sorted(first)
        address = page.url
    with Visit(browser, address) as again:
        assert names(again.page) == first[::-1]


def test_filtering_by_keyboard(browser: Any, site: str) -> None:
    with Visit(browser, site) as visit:
        field = visit.page.get_by_label("Filter rows").first
        field.focus()
        visit.page.keyboard.type("PRESET SMOLLM")
        assert names(visit.page) == ["attacked"]
        assert visit.page.locator("output").first.inner_text() == f"1 of {N_ROWS} rows"
        address = visit.page.url
    with Visit(browser, address) as again:
        assert names(again.page) == ["attacked"]


def test_a_row_has_an_address(browser: Any, site: str) -> None:
    with Visit(browser, site + "rows/doubtful.html") as visit:
        visit.page.get_by_role("link", name="smollm2-135m × wkf").click()
        # A locator waits for the page that the link leads to.
        row = visit.page.locator("tr:target")
        assert row.evaluate("row => getComputedStyle(row).outlineStyle") == "solid"
        assert visit.page.url.endswith("#row-doubtful")


def test_strangers_text_is_text(browser: Any, site: str) -> None:
    with Visit(browser, site) as visit:
        assert visit.page.get_by_role("link", name=HOSTILE).is_visible()


def test_without_scripts_it_is_readable(browser: Any, site: str) -> None:
    with Visit(browser, site, java_script_enabled=False) as visit:
        assert len(names(visit.page)) == N_ROWS
        assert visit.page.locator(".filter").first.is_hidden()


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_itself_does_not_scroll_sideways(
    browser: Any, site: str, path: str, width: int
) -> None:
    with Visit(browser, site + path, width) as visit:
        assert visit.page.evaluate("document.documentElement.scrollWidth") == width


def test_the_whole_table_fits_a_common_screen(browser: Any, site: str) -> None:
    """Judge, size and date included, without scrolling."""
    for path in PAGES[:2]:
        with Visit(browser, site + path, 1280) as visit:
            room = visit.page.locator(".scroll:has(.board)")
            assert room.evaluate("e => e.scrollWidth <= e.clientWidth")
            date = visit.page.locator("#row-attacked td").last.bounding_box()
            assert date["x"] + date["width"] <= 1280


def test_phones_see_the_worst_case_first(browser: Any, site: str) -> None:
    with Visit(browser, site, 390) as visit:
        cells = visit.page.locator("#row-attacked td")
        tops = [cell.bounding_box() for cell in cells.all()]
        worst = tops.pop(1)
        assert "5.0" in cells.nth(1).inner_text()
        name = visit.page.locator("#row-attacked th").bounding_box()
        assert name["y"] < worst["y"] < min(box["y"] for box in tops)
        assert all(box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in tops)
        # It is still a table for those who listen to it.
        assert visit.page.get_by_role("rowheader", name="JensUn").count() == 1


_LABELS = r"""table => {
    const heads = [...table.tHead.rows[0].cells].map(cell => cell.textContent.trim());
    return [...table.tBodies].flatMap(body => [...body.rows]).map(row =>
        [...row.cells].filter(cell => cell.tagName === "TD").map(cell => {
            const shown = getComputedStyle(cell, "::before").content;
            return [heads[cell.cellIndex], shown.replaceAll('"', "")];
        }));
}"""


def test_every_figure_on_a_phone_has_the_name_of_its_column(browser: Any, site: str) -> None:
    with Visit(browser, site + DIVISION, 390) as visit:
        rows = visit.page.locator("table.board").first.evaluate(_LABELS)
        assert len(rows) > N_ROWS
        assert [pair for row in rows for pair in row if pair[0] != pair[1]] == []
        assert {len(row) for row in rows} == {14}


def test_doubts_are_seen_without_colour(browser: Any, site: str) -> None:
    for width in WIDTHS:
        with Visit(browser, site, width) as visit:
            line = visit.page.locator("#row-doubtful").get_by_text("not ranked until run again")
            assert line.is_visible()


@pytest.mark.parametrize("path", [*PAGES[:3]])
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_in_the_plot_covers_a_name(browser: Any, site: str, width: int, path: str) -> None:
    with Visit(browser, site + path, width) as visit:
        assert visit.page.locator("svg.chart .name").count() in (N_ROWS + 2, 3, 5)
        assert visit.page.evaluate(OVERLAPS) == []


def test_the_plot_is_light_or_dark(browser: Any, site: str) -> None:
    looks = set()
    for scheme in ("light", "dark"):
        with Visit(browser, site + PAGES[1], color_scheme=scheme) as visit:
            name = visit.page.locator("svg.chart .name").first
            looks.add(name.evaluate("name => getComputedStyle(name).fill"))
    assert looks == {"rgb(28, 30, 33)", "rgb(230, 230, 227)"}


def test_the_dark_is_dark(browser: Any, site: str) -> None:
    grounds = set()
    for scheme in ("light", "dark"):
        with Visit(browser, site, color_scheme=scheme) as visit:
            look = "getComputedStyle(document.body).backgroundColor"
            grounds.add(visit.page.evaluate(look))
    assert len(grounds) == 2


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Any, site: str, path: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe")
    with Visit(browser, site + path, color_scheme=scheme) as visit:
        visit.page.evaluate(
            "document.querySelectorAll('details').forEach((d) => { d.open = true })"
        )
        found = axe.Axe().run(visit.page)
        assert found.violations_count == 0, found.generate_report()
