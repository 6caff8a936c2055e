"""Ranks are intervals, ties are ties, and only what is trusted and useful is ranked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlearnbench.leaderboard.ranking import outside, ranks

FACTS = [f"fact-{i}" for i in range(40)]


def leaks(count: int) -> dict[str, bool]:
    return {fact: i < count for i, fact in enumerate(FACTS)}


def test_clear_differences_are_ranks_and_equal_rows_tie() -> None:
    assert ranks([leaks(0), leaks(20), leaks(40)]) == [(1, 1), (2, 2), (3, 3)]
    assert ranks([leaks(7), leaks(7)]) == [(1, 1), (1, 1)]
    assert ranks([]) == []
    assert ranks([leaks(3)]) == [(1, 1)]


def test_a_difference_of_one_fact_is_not_told_apart() -> None:
    """One of 40 facts is in no resample with probability (39/40)^40 = 36 %: then the rows tie."""
    (first, second) = ranks([leaks(5), leaks(6)])
    assert first == (1, 1)
    assert second == (1, 2)


def test_rows_of_other_facts_do_not_stand_beside_each_other() -> None:
    with pytest.raises(ValueError, match="same facts"):
        ranks([leaks(1), {"other": True}])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=6))
def test_ranks_stay_in_range_and_keep_the_order(counts: list[int]) -> None:
    found = ranks([leaks(count) for count in counts])
    for low, high in found:
        assert 1 <= low <= high <= len(counts)
    for (a, one), (b, other) in zip(
        zip(counts, found, strict=True), zip(counts[1:], found[1:], strict=True), strict=False
    ):
        if a < b:
            assert one[0] <= other[0]
            assert one[1] <= other[1]


def row(trust: str, retain: float, fluency: float) -> dict[str, Any]:
    scores = {"retain.mean": [retain], "fluency": [fluency]}
    return {
        "trust": trust,
        "scores": scores,
        "base_scores": {"retain.mean": [0.6], "fluency": [1.0]},
    }


@pytest.mark.parametrize(
    ("trust", "retain", "fluency", "reasons"),
    [
        ("logged", 0.6, 1.0, []),
        ("logged", 0.48, 0.9, []),
        ("logged", 0.479, 1.0, ["retain below 80% of the base's"]),
        ("attacked", 0.6, 0.5, ["fluency below 90% of the base's"]),
        ("claimed", 0.6, 1.0, ["only claimed"]),
    ],
)
def test_the_envelope(trust: str, retain: float, fluency: float, reasons: list[str]) -> None:
    assert outside(row(trust, retain, fluency)) == reasons
