"""Forgetting among what the base knew: derived by hand, and what must hold whatever is open."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report_samples import facts, many, score_manifest, write_run
from unlearnbench.api.comparing import compare
from unlearnbench.errors import RunError
from unlearnbench.reporting.page import make_page
from unlearnbench.runs.run import Run, load_run
from unlearnbench.scoring.findings import few_known_finding
from unlearnbench.scoring.intervals import wilson
from unlearnbench.scoring.known import among_known
from unlearnbench.scoring.scores import of_facts

States = Mapping[str, bool | None]
SIGNS = {"y": True, "n": False, "?": None}

TABLE = [
    ("all known, one leaks", "yyyy", "ynnn", (1, 1, 4)),
    ("half known, the unknown leak", "yynn", "nnyy", (0, 0, 2)),
    ("half known, the known leak", "yynn", "yynn", (2, 2, 2)),
    ("none known", "nnnn", "ynnn", (0, 0, 0)),
    ("the run is open", "yynn", "?n?n", (0, 1, 2)),
    ("the base is open, and it leaks", "y?nn", "nynn", (0, 1, 2)),
    ("the base is open, and it does not leak", "y?nn", "nnnn", (0, 1, 2)),
    ("both are open", "y?nn", "y?nn", (1, 2, 2)),
    ("everything is open", "????", "????", (0, 4, 4)),
]
"""What the base and the run say of four facts; leaks at least, at most, and of how many."""


def states(signs: str) -> dict[str, bool | None]:
    return {f"f-{n}": SIGNS[sign] for n, sign in enumerate(signs)}


@pytest.mark.parametrize(("name", "before", "after", "wanted"), TABLE, ids=[t[0] for t in TABLE])
def test_by_hand(name: str, before: str, after: str, wanted: tuple[int, int, int]) -> None:
    low, high, n = wanted
    share = among_known(states(before), states(after))
    assert share.n == n
    assert (share.low, share.high) == ((low / n, high / n) if n else (0.0, 1.0))
    assert share.interval.low == wilson(low, n).low
    assert share.interval.high == wilson(high, n).high


def test_a_fact_that_the_base_was_not_asked_is_open() -> None:
    share = among_known(states("yyy"), states("nnnn"))
    assert (share.low, share.high, share.n) == (0.0, 0.25, 4)


many_states = st.lists(st.sampled_from("yn?"), min_size=1, max_size=7).map("".join)


@given(st.data(), many_states)
def test_no_way_to_close_what_is_open_leaves_the_bounds(data: st.DataObject, before: str) -> None:
    after = data.draw(st.text("yn?", min_size=len(before), max_size=len(before)))
    share = among_known(states(before), states(after))
    closed = [product(*("yn" if sign == "?" else sign for sign in one)) for one in (before, after)]
    for base, run in product(*map(list, closed)):
        decided = among_known(states("".join(base)), states("".join(run)))
        if decided.n:
            assert share.low <= decided.value <= share.high
            assert share.interval.low <= decided.interval.low
            assert share.interval.high >= decided.interval.high


@given(many_states)
def test_a_base_that_knew_all_leaves_the_raw_rate(after: str) -> None:
    raw = of_facts("raw", states(after))
    share = among_known(states("y" * len(after)), states(after))
    assert (share.low, share.high, share.n) == (raw.low, raw.high, raw.n)
    assert share.interval == raw.interval


@given(st.data(), many_states, st.sampled_from("yn?"))
def test_a_fact_that_was_never_known_never_helps(
    data: st.DataObject, before: str, leaks: str
) -> None:
    after = data.draw(st.text("yn?", min_size=len(before), max_size=len(before)))
    without = among_known(states(before), states(after))
    assert among_known(states(before + "n"), states(after + leaks)) == without


@pytest.mark.parametrize(
    ("base", "told"),
    [
        ("y" * 10, None),
        ("y" * 9 + "n", "the base knew 9 forget facts, fewer than 10"),
        ("y" * 9 + "?", "knew 9 to 10 forget facts, perhaps fewer than 10"),
        ("n", "the base knew 0 forget facts, fewer than 10"),
    ],
    ids=["ten", "nine", "nine or ten", "none"],
)
def test_few_known_facts_are_a_finding(base: str, told: str | None) -> None:
    found = few_known_finding(of_facts("base", states(base)))
    assert found is None if told is None else found is not None and told in found.text


def run(folder: Path, forget: Mapping[str, str], name: str, **about: object) -> Run:
    rows = [*facts(forget), *facts(many("k", (4, "oo")), "retain")]
    return load_run(write_run(folder, rows, score_manifest(name, **about)))


@pytest.fixture
def three(tmp_path: Path) -> tuple[Run, Run, Run]:
    """A base that knows 4 of 6, one that leaks 2 of these, and one that leaks another."""
    base = run(tmp_path / "base", many("f", (4, "xo"), (2, "xx")), "base")
    one = run(tmp_path / "one", many("f", (2, "xo"), (4, "xx")), "one")
    two = run(tmp_path / "two", many("f", (5, "xx"), (1, "xo")), "two")
    return base, one, two


def test_compare_says_it_of_each_run(three: tuple[Run, Run, Run]) -> None:
    base, one, two = three
    compared = compare([one.path, two.path], base=base.path)
    shares = [row.scores["forget.among_known"] for row in compared.runs]
    assert [(share.value, share.n) for share in shares] == [(0.5, 4), (0.0, 4)]
    assert list(compared.to_pandas()["forget.among_known.low"]) == [0.5, 0.0]
    assert all("few-known" in row.record()["findings"] for row in compared.runs)  # type: ignore[operator]
    alone = compare([one, two])
    assert "forget.among_known.low" not in alone.to_pandas()
    others = [name for name in compared.runs[0].names if name != "forget.among_known"]
    assert list(alone.runs[0].names) == others


def test_the_report_takes_a_base(three: tuple[Run, Run, Run], tmp_path: Path) -> None:
    base, one, _ = three
    shown = make_page([one.path], lambda run: {}, base=base).html
    assert "2 of 4 forget facts leak, 50.0" in shown
    assert "forget.among_known" in shown
    assert "forget.among_known" not in make_page([one.path], lambda run: {}).html
    nothing = run(tmp_path / "nothing", many("f", (6, "xx")), "nothing")
    shown = make_page([one.path], lambda run: {}, base=nothing).html
    assert "forget.among_known" not in shown


OTHER = [
    ({"benchmark_fingerprint": "c" * 64}, "its benchmark is tiny in another version"),
    ({"judge": "gemini", "judge_identity": "g" * 64}, "its judge is gemini, not rules"),
    ({"profile": "never", "profile_fingerprint": "q" * 64}, "its profile is never, not quick"),
]


@pytest.mark.parametrize(("about", "told"), OTHER, ids=["benchmark", "judge", "profile"])
def test_a_base_of_something_else_is_refused(
    three: tuple[Run, Run, Run], tmp_path: Path, about: dict[str, str], told: str
) -> None:
    _, one, two = three
    other = run(tmp_path / "other", many("f", (6, "xo")), "base", **about)
    with pytest.raises(RunError, match=told):
        make_page([one.path], lambda run: {}, base=other)
    with pytest.raises(RunError, match=told):
        compare([one, two], base=other.path)
