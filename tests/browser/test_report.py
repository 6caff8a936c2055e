"""The report in a browser: silent, on its own, by keyboard, in the dark, and accessible."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import OVERLAPS, Visit
from tests.report_samples import (
    arm,
    door,
    facts,
    many,
    point,
    relearn_record,
    score_manifest,
    stress_record,
    write_record,
    write_run,
)
from unlearnbench.reporting import page
from unlearnbench.reporting.charts import TradeOffPoint, svg_file, trade_off_chart

HOSTILE = '<script>document.title="owned"</script><img src=x onerror=\'document.title="owned"\'>'
WIDTHS = (1280, 390)

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with everything on it: three checkpoints, open probes, stress, relearning."""
    folder = tmp_path_factory.mktemp("report")
    kept = facts(many("kept", (6, "oo"), (2, "xr"), (1, "x?")), "retain")
    forget = facts(many("fact", (4, "xo/xx"), (1, "x?/x!"), (15, "xx/xx")))
    hostile = [("fact-99", "forget", "original", "plain", HOSTILE)]
    runs = [
        write_run(folder / "a", [*forget, *hostile, *kept], score_manifest("model-a")),
        write_run(folder / "b", [*forget, *kept], score_manifest(f"model <b>{'long-' * 12}")),
        write_run(folder / "c", [*facts(many("fact", (20, "gg"))), *kept], score_manifest("c")),
    ]
    states = {f"fact-{n}": n < 5 if n != 7 else None for n in range(20)}
    doors = {
        "formats/cloze": door(states, note="a note that is long enough to be wrapped " * 3),
        "lens": door({}, ranked=False, note="a diagnostic"),
    }
    runs.append(write_record(folder / "s", stress_record("model-a", states, doors, n_open=2)))
    points = [point(step, 1 + step // 3, n_open=step // 8) for step in (0, 2, 4, 8, 16, 32)]
    arms = {name: arm(points, points[:4]) for name in ("near", "prose", "disjoint")}
    record = relearn_record("model-a", {**arms, "forget": arm(points, benign=False)})
    runs.append(write_record(folder / "r", {**record, "ceiling": point(0, 18)}))
    out = folder / "report.html"
    page.write_page(page.make_page(runs, lambda run: {}), out)
    return out


def test_it_asks_for_nothing_and_complains_of_nothing(browser: Any, report: Path) -> None:
    with Visit(browser, report.as_uri()) as visit:
        visit.page.wait_for_timeout(300)
        fetched = [url for url in visit.requests if not url.startswith("data:")]
        assert fetched == [report.as_uri()]
        assert visit.complaints == []


def test_what_a_model_wrote_is_text(browser: Any, report: Path) -> None:
    with Visit(browser, report.as_uri()) as visit:
        assert "owned" not in visit.page.title()
        assert visit.page.locator("img").count() == 0
        assert visit.page.locator("script").count() == 1
        assert HOSTILE in visit.page.locator("td").filter(has_text="owned").first.inner_text()


def test_the_policy_stops_what_would_get_through(browser: Any, report: Path) -> None:
    with Visit(browser, report.as_uri()) as visit:
        visit.page.evaluate("() => { document.body.append(new Image()) }")
        visit.page.evaluate("() => { document.images[0].src = 'http://127.0.0.1:9/x' }")
        visit.page.wait_for_timeout(200)
        assert any("Content Security Policy" in told for told in visit.complaints)


def test_the_filter_works_by_keyboard(browser: Any, report: Path) -> None:
    with Visit(browser, report.as_uri()) as visit:
        field = visit.page.get_by_label("Filter the leaked answers of model-a")
        count = visit.page.locator(f"#{field.get_attribute('aria-describedby')}")
        rows = visit.page.locator("#c1-leaked tbody tr")
        total = rows.count()
        for _ in range(60):
            visit.page.keyboard.press("Tab")
            if field.evaluate("field => field === document.activeElement"):
                break
        outline = field.evaluate("field => getComputedStyle(field).outlineStyle")
        assert outline == "solid"
        visit.page.keyboard.type("FACT-99 owned")
        visit.page.wait_for_function(
            "() => document.querySelectorAll('#c1-leaked tr[hidden]').length"
        )
        assert [row.is_visible() for row in rows.all()].count(True) == 1
        assert count.inner_text() == f"1 of {total} answers"
        assert count.get_attribute("aria-live") == "polite"
        visit.page.keyboard.press("Escape")
        assert field.input_value() == ""
        assert count.inner_text() == f"{total} of {total} answers"


def test_the_skip_link_leads_to_the_content(browser: Any, report: Path) -> None:
    with Visit(browser, report.as_uri()) as visit:
        visit.page.keyboard.press("Tab")
        assert visit.page.evaluate("document.activeElement.className") == "skip"
        visit.page.keyboard.press("Enter")
        assert visit.page.evaluate("document.activeElement.id") == "content"


def test_without_scripts_every_answer_is_there(browser: Any, report: Path) -> None:
    with Visit(browser, report.as_uri(), java_script_enabled=False) as visit:
        assert visit.page.locator(".filter").first.is_hidden()
        assert visit.page.locator("#c1-leaked tbody tr").first.is_visible()


@pytest.mark.parametrize("width", WIDTHS)
def test_only_tables_and_charts_scroll_sideways(browser: Any, report: Path, width: int) -> None:
    with Visit(browser, report.as_uri(), width) as visit:
        assert visit.page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_in_the_charts_covers_a_name(browser: Any, report: Path, width: int) -> None:
    with Visit(browser, report.as_uri(), width) as visit:
        assert visit.page.locator("svg.chart").count() == 5
        assert visit.page.evaluate(OVERLAPS) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_chart_as_a_file(browser: Any, tmp_path: Path, scheme: str) -> None:
    points = [TradeOffPoint(f"lambda_r={i}", i / 8, i / 8) for i in range(8)]
    path = tmp_path / "chart.svg"
    path.write_text(svg_file(trade_off_chart(points, joined=True), "A title", "d"), "utf-8")
    with Visit(browser, path.as_uri(), color_scheme=scheme) as visit:
        assert visit.complaints == []
        ground = visit.page.locator(".ground")
        look = ground.evaluate("ground => getComputedStyle(ground).fill")
        assert look == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 23, 26)"}[scheme]
        assert visit.page.evaluate(OVERLAPS) == []


def test_the_dark_is_dark(browser: Any, report: Path, tmp_path: Path) -> None:
    grounds = {}
    for scheme in ("light", "dark"):
        for width in WIDTHS:
            with Visit(browser, report.as_uri(), width, color_scheme=scheme) as visit:
                shot = tmp_path / f"{scheme}-{width}.png"
                visit.page.screenshot(path=shot, full_page=True)
                assert shot.stat().st_size > 10_000
                look = "getComputedStyle(document.documentElement).backgroundColor"
                grounds[scheme] = visit.page.evaluate(look)
    assert grounds["light"] != grounds["dark"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing(browser: Any, report: Path, scheme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe")
    with Visit(browser, report.as_uri(), width, color_scheme=scheme) as visit:
        visit.page.evaluate(
            "document.querySelectorAll('details').forEach((d) => { d.open = true })"
        )
        found = axe.Axe().run(visit.page)
        assert len(found.response["passes"]) > 20
        assert found.violations_count == 0, found.generate_report()
