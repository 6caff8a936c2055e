"""The charts: names cover nothing, better is the same way everywhere, files stand alone."""

from __future__ import annotations

import re
import string
from dataclasses import astuple, replace
from itertools import combinations, permutations
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from unlearnbench.reporting.charts import (
    TradeOffPoint,
    svg_file,
    svg_in_page,
    svg_style,
    trade_off_chart,
)
from unlearnbench.reporting.charts.frame import BOTTOM, LEFT, WIDTH
from unlearnbench.reporting.charts.geometry import Box, lines_cross, lines_cross_boxes
from unlearnbench.reporting.charts.labels import MOST_WIDTH, shortened, text_width
from unlearnbench.reporting.charts.places import NEXT
from unlearnbench.reporting.charts.scatter import MOST_NAMED

PACKAGE = Path(__file__).parents[2] / "unlearnbench"
SHARES = some.floats(0, 1)
POINTS = some.builds(
    TradeOffPoint,
    name=some.text(string.printable + "漢Ωé", max_size=40),
    worst_case=SHARES,
    retain=SHARES,
    worst_case_interval=some.none() | some.tuples(SHARES, SHARES).map(sorted).map(tuple),
    style=some.integers(1, 30),
    is_reference=some.booleans(),
    is_open=some.booleans(),
)
SVG = "{http://www.w3.org/2000/svg}"


@settings(deadline=None, max_examples=60)
@given(some.lists(POINTS, max_size=MOST_NAMED), some.booleans())
def test_names_cover_neither_marks_nor_each_other(
    points: list[TradeOffPoint], joined: bool
) -> None:
    chart = trade_off_chart(points, joined)
    boxes = [label.box for label in chart.labels]
    assert not any(one.meets(other) for one, other in combinations(boxes, 2))
    for box in boxes:
        assert box.left >= LEFT and box.right <= WIDTH
        assert box.top >= 0 and box.bottom <= BOTTOM + 8
        for dot in chart.dots:
            x, y = dot.mark.x, dot.mark.y
            assert not box.meets(Box(x - 7, y - 7, x + 7, y + 7))


@settings(deadline=None, max_examples=60)
@given(some.lists(POINTS, min_size=1, max_size=MOST_NAMED))
def test_every_name_is_at_its_point_or_joined_to_it(points: list[TradeOffPoint]) -> None:
    chart = trade_off_chart(points)
    marks = {(dot.mark.x, dot.mark.y) for dot in chart.dots}
    for label in chart.labels:
        box = label.box
        if label.leader:
            (x, y), (to_x, to_y) = ends(label.leader)
            assert (x, y) in marks
            assert box.grown(2.1).meets(Box(to_x - 0.1, to_y - 0.1, to_x + 0.1, to_y + 0.1))
        else:
            near = box.grown(NEXT + 1)
            assert len([at for at in marks if near.meets(Box(*at, *at).grown(0.1))]) == 1


def ends(leader: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML]([\d.]+),([\d.]+)", leader)]


CLUSTERS = {
    "a cloud": lambda i: (0.9 + 0.003 * (7 * i % 29 - 14), 0.5 + 0.005 * (11 * i % 31 - 15)),
    "a row": lambda i: (0.95, 0.3 + i / 100),
    "a column": lambda i: (0.99 - i / 100, 0.6),
    "a diagonal": lambda i: (0.6 + i / 100, 0.4 + i / 100),
}


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_all_names_of_a_cluster_are_readable(cluster: str) -> None:
    points = [TradeOffPoint(f"Method {i}, 60 steps", *CLUSTERS[cluster](i)) for i in range(30)]
    chart = trade_off_chart(points)
    assert {label.text for label in chart.labels} == {point.name for point in points}
    for label, other in permutations(chart.labels, 2):
        if label.leader:
            line = np.array([c for end in ends(label.leader) for c in end])
            assert not lines_cross_boxes(line, np.array(astuple(other.box)))
    assert chart == trade_off_chart(points)


def test_lines_and_rectangles() -> None:
    """Lines in every direction against one rectangle, and against each other."""
    box = np.array([0.0, 0, 10, 10])
    through = [(-5, 5, 15, 5), (5, -5, 5, 15), (-1, -1, 11, 11), (5, 5, 20, 20), (4, 4, 6, 6)]
    beside = [(-5, 11, 15, 11), (11, -5, 11, 15), (-5, 5, -1, 5), (21, 0, 0, 21), (5, -9, 5, -1)]
    assert lines_cross_boxes(np.array(through, dtype=float), box).all()
    assert not lines_cross_boxes(np.array(beside, dtype=float), box).any()
    cross = np.array([(0.0, 0, 10, 10), (0, 10, 10, 0)])
    assert lines_cross(cross[0], cross[1])
    assert not lines_cross(cross[0], np.array([0.0, 1, 10, 11]))
    assert not lines_cross(cross[0], np.array([6.0, 0, 10, 3]))


@pytest.mark.parametrize(("share", "n"), [(0.0, 20), (0.5, MOST_NAMED), (1.0, 20)])
def test_every_one_of_many_equal_points_is_named(share: float, n: int) -> None:
    points = [TradeOffPoint(f"checkpoint-{i}", share, share) for i in range(n)]
    names = {label.text for label in trade_off_chart(points).labels}
    assert names == {point.name for point in points}


def test_better_is_below_and_to_the_right() -> None:
    points = [TradeOffPoint("good", 0.1, 0.9), TradeOffPoint("bad", 0.9, 0.1)]
    good, bad = (dot.mark for dot in trade_off_chart(points).dots)
    assert good.x > bad.x and good.y > bad.y
    assert len(good.outline) >= len(bad.outline)


def test_what_no_other_beats_is_larger() -> None:
    points = [TradeOffPoint(str(i), *pair) for i, pair in enumerate([(0.2, 0.5), (0.2, 0.4)])]
    best, beaten = (dot.mark for dot in trade_off_chart(points).dots)
    assert [width(mark.outline) for mark in (best, beaten)] == [14, 10]


def width(outline: str) -> float:
    xs = [float(x) for x in re.findall(r"[ML]([\d.]+),", outline)]
    return round(max(xs) - min(xs))


def test_of_very_many_points_only_the_best_are_named() -> None:
    points = [TradeOffPoint(f"p{i}", i / 100, i / 200, (0, 1), (0, 1)) for i in range(100)]
    points.append(TradeOffPoint("best", 0.0, 1.0))
    chart = trade_off_chart(points)
    assert [label.text for label in chart.labels] == ["best"]
    assert not any(dot.cross for dot in chart.dots)
    assert any(dot.cross for dot in trade_off_chart(points[:5]).dots)
    points[7] = replace(points[7], is_always_named=True)
    assert {label.text for label in trade_off_chart(points).labels} == {"best", "p7"}


def test_an_open_point_is_hollow_and_says_so() -> None:
    chart = trade_off_chart([TradeOffPoint("half", 0.5, 0.5, is_open=True)])
    drawn = svg_in_page(chart, "plot", "t", "d")
    assert 'class="mark s1 open"' in drawn
    assert "half: worst case 50.0\N{NO-BREAK SPACE}%" in drawn and "some open" in drawn


@pytest.mark.parametrize("name", ["a" * 300, "漢" * 60, "W" * 60, "a\u202eb\x00" * 30])
def test_long_names_are_cut_to_their_room(name: str) -> None:
    short = shortened(name)
    assert text_width(short) <= MOST_WIDTH
    assert "…" in short and short.isprintable()


def test_a_file_stands_alone_and_is_equal_for_equal_points() -> None:
    hostile = "</text><script>alert(1)</script>\x07&"
    points = [TradeOffPoint(hostile, 0.4, 0.8), TradeOffPoint("before", 0.9, 0.9, style=2)]
    files = {svg_file(trade_off_chart(points, joined=True), hostile, "d") for _ in range(2)}
    (text,) = files
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert root.find(f"{SVG}title") is not None and root.find(f"{SVG}desc") is not None
    assert not root.findall(f".//{SVG}script")
    assert "var(" not in text and "prefers-color-scheme: dark" in text
    assert not re.search(r"(?:href|src)=|url\(|@import", text)


def test_every_variable_of_the_style_has_a_light_and_a_dark_value() -> None:
    style = svg_style()
    used = set(re.findall(r"var\((--[\w-]+)\)", style))
    light, dark = style.split("@media")
    for palette in (light, dark.split("}")[0]):
        assert set(re.findall(r"(--[\w-]+):", palette)) == used


def test_nothing_else_draws() -> None:
    drawing = re.compile(r"<svg|polyline|matplotlib")
    content = PACKAGE.parent / "leaderboard" / "site"
    files = [p for folder in (PACKAGE, content) for p in folder.rglob("*") if p.suffix != ".pyc"]
    found = [
        path.name for path in files if path.is_file() and drawing.search(path.read_text("utf-8"))
    ]
    assert found == ["charts.svg.j2"]
