"""What is still answered by distance: hand-derived shares, losses and p-values."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest

from unlearnbench.benchmark.tiers import near_to_far
from unlearnbench.reporting.charts import Ring, RingShare, distance_chart
from unlearnbench.scoring.distance import by_distance, near_and_far
from unlearnbench.scoring.scores import Outcome
from unlearnbench.types import ProbeKey, Split, Verdict


def outcomes(answered: dict[str, tuple[Split, str | None, str]]) -> list[Outcome]:
    """Outcomes by fact: its split, its tier, and a letter a probe: + answered, - not, ? open."""
    verdicts: dict[str, Verdict | None] = {"+": "correct", "-": "incorrect", "?": None}
    return [
        Outcome(ProbeKey(fact, f"wording-{place}", "plain"), split, tier, verdicts[letter])
        for fact, (split, tier, letters) in answered.items()
        for place, letter in enumerate(letters)
    ]


ROW = outcomes(
    {
        "f1": ("forget", None, "+---"),
        "f2": ("forget", None, "----"),
        "n1": ("retain", "near", "--"),
        "n2": ("retain", "near", "+-"),
        "x1": ("retain", "far", "++"),
        "x2": ("retain", "far", "++"),
    }
)
BEFORE = [replace(outcome, verdict="correct") for outcome in ROW]


def test_shares_by_distance() -> None:
    points = by_distance(ROW, BEFORE, ["near", "far"])
    assert [(p.name, p.score.low, p.base and p.base.low) for p in points] == [
        ("forget.worst_case", 0.5, 1.0),
        ("forget.mean", 1 / 8, 1.0),
        ("retain.near", 1 / 4, 1.0),
        ("retain.far", 1.0, 1.0),
    ]
    assert by_distance(ROW, BEFORE, []) == []


def test_p_value_of_near_against_far() -> None:
    """Losses 1, ½ near and 0, 0 far: of the six splits in two, two are as far apart: p = 1/3."""
    found = near_and_far(ROW, BEFORE, ["near", "far"])
    assert found is not None
    assert (found.near_loss, found.far_loss) == (0.75, 0.0)
    losses = [1.0, 0.5, 0.0, 0.0]
    splits = [sum(losses[i] for i in part) for part in combinations(range(4), 2)]
    exact = sum(abs(2 * part - sum(losses)) / 2 >= 0.75 for part in splits) / len(splits)
    assert found.p == pytest.approx(exact, abs=0.02)
    assert not found.is_significant


def test_many_near_facts_that_lost_are_no_chance() -> None:
    rows = {f"n{i}": ("retain", "near", "----") for i in range(12)}
    rows |= {f"x{i}": ("retain", "far", "+++-" if i else "++++") for i in range(12)}
    after = outcomes(rows)  # type: ignore[arg-type]
    before = [replace(outcome, verdict="correct") for outcome in after]
    found = near_and_far(after, before, ["near", "mid", "far"])
    assert found is not None and found.is_significant
    assert found.p == pytest.approx(1 / 10_001)


def test_nothing_is_said_of_open_or_single_tiers() -> None:
    still_open = [replace(ROW[-1], verdict=None) if o is ROW[-1] else o for o in ROW]
    assert near_and_far(still_open, BEFORE, ["near", "far"]) is None
    assert near_and_far(ROW, BEFORE, ["near"]) is None
    assert near_and_far(ROW, BEFORE[:-2], ["near", "far"]) is None


def test_the_order_is_the_benchmark_s() -> None:
    mixed = ["general", None, "topic", "field", "topic"]
    assert near_to_far(mixed, "wkf", "1.0.0") == ["topic", "field", "general"]
    assert near_to_far(["b", "a"], "../wkf", "1.0.0") == ["b", "a"]
    assert near_to_far(["mine", "field"], "wkf", "1.0.0") == ["field", "mine"]


def test_a_chart_needs_a_place_beside_the_forgotten() -> None:
    share = RingShare(0.5, 0.4, 0.6)
    forgotten, near = Ring("forgotten", share, None, share), Ring("near", share, share)
    assert distance_chart([forgotten]) is None
    chart = distance_chart([forgotten, near])
    assert chart is not None
    assert [one.name for one in chart.series] == ["this model"]
    assert [m.tooltip for m in chart.series[0].marks] == [
        "this model, forgotten, worst case: 50.0\N{NO-BREAK SPACE}%",
        "this model, forgotten: 50.0\N{NO-BREAK SPACE}%",
        "this model, near: 50.0\N{NO-BREAK SPACE}%",
    ]
