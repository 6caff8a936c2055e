"""Ranks are intervals, ties are ties, and only what is trusted and useful is ranked."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlearnbench.leaderboard.entry import (
    ROW_VERSION,
    BaseKnowledge,
    Cell,
    ClaimedRow,
    Entry,
    Known,
    LeakMatrix,
    Level,
    entry_from,
)
from unlearnbench.leaderboard.ranking import outside, ranked, ranks
from unlearnbench.submissions.doubts import Doubt

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


def row(trust: Level, retain: float, fluency: float, leaked: int = 0, name: str = "row") -> Entry:
    """A row of which only what ranking looks at is given; the base keeps 0.6 and is fluent."""
    claim = ClaimedRow(
        name=name,
        method="m",
        submitter="A. Person",
        link="",
        note="",
        date="2026-01-01",
        benchmark="wkf",
        benchmark_version="0",
        benchmark_fingerprint="b",
        profile="standard",
        profile_fingerprint="p",
        checkpoint="c",
        fingerprint=name,
        base="base",
        base_id="base-wkf",
        base_fingerprint="g",
        parameters=None,
        judge="rules",
        judge_identity="r",
        engine="transformers",
        dtype="float32",
        platform="Linux",
        settings={},
        versions={},
        training=None,
    )
    scores = {
        "forget.worst_case": cell(leaked / len(FACTS)),
        "retain.mean": cell(retain),
        "fluency": cell(fluency),
    }
    return Entry(
        row_version=ROW_VERSION,
        id=name,
        reasons=(),
        trust=trust,
        levels=(trust,),
        claim=claim,
        scores=scores,
        among_known=cell(leaked / len(FACTS)),
        base_knowledge=BaseKnowledge(40, 40, 0.6, 1.0),
        doubts=(),
        base_scores={"retain.mean": cell(0.6), "fluency": cell(1.0)},
        base_states=leaks(40),
        states=leaks(leaked),
        relearn=None,
        stress=None,
        utility=None,
        before_utility=False,
        known=Known(None, None),
        disputed=(),
        attestations=(),
        matrix=LeakMatrix((), {}, {}),
        distance=None,
        samples=(),
    )


def cell(value: float) -> Cell:
    return Cell(value, value, value)


@pytest.mark.parametrize(
    ("trust", "retain", "fluency", "reasons"),
    [
        ("logged", 0.6, 1.0, []),
        ("logged", 0.48, 0.9, []),
        ("logged", 0.479, 1.0, ["retain below 80% of the base's"]),
        ("attacked", 0.6, 0.89, ["fluency below 90% of the base's"]),
        ("attacked", 0.6, 0.69, ["fluency below 70%"]),
        ("logged", 0.19, 1.0, ["retain below 20%"]),
        ("logged", 0.1, 0.1, ["retain below 20%", "fluency below 70%"]),
        ("claimed", 0.6, 1.0, ["only claimed"]),
    ],
)
def test_the_envelope(trust: Level, retain: float, fluency: float, reasons: list[str]) -> None:
    assert outside(row(trust, retain, fluency)) == reasons


FLUENT = BaseKnowledge(40, 40, 0.6, 1.0)
OTHER_BASES: dict[str, tuple[BaseKnowledge, list[str]]] = {
    "knows enough": (BaseKnowledge(10, 40, 0.25, 0.7), []),
    "few facts": (replace(FLUENT, known=9), ["the base answers only 9 of 40 forget facts"]),
    "nothing": (replace(FLUENT, known=0), ["the base answers only 0 of 40 forget facts"]),
    "a small share": (
        BaseKnowledge(19, 100, 0.6, 1.0),
        ["the base answers only 19 of 100 forget facts"],
    ),
    "a fifth of many": (BaseKnowledge(20, 100, 0.6, 1.0), []),
    "a small benchmark": (
        BaseKnowledge(9, 9, 0.6, 1.0),
        ["the base answers only 9 of 9 forget facts"],
    ),
    "little to keep": (
        replace(FLUENT, retain=0.24),
        ["the base answers only 24% of the retain questions"],
    ),
    "babble": (replace(FLUENT, fluency=0.5), ["only 50% of the base's answers are fluent"]),
    "random weights": (
        BaseKnowledge(0, 40, 0.0, 0.1),
        [
            "the base answers only 0 of 40 forget facts",
            "the base answers only 0% of the retain questions",
            "only 10% of the base's answers are fluent",
        ],
    ),
}


@pytest.mark.parametrize("name", OTHER_BASES)
def test_a_base_that_knows_little_ranks_nobody(name: str) -> None:
    base, reasons = OTHER_BASES[name]
    entry = replace(row("attacked", 0.6, 1.0), base_knowledge=base)
    assert outside(entry) == reasons
    assert (ranked([entry])[0].rank is None) == bool(reasons)


@pytest.mark.parametrize(("bars", "reasons"), [(True, ["odd template"]), (False, [])])
def test_only_a_doubt_that_bars_keeps_a_row_from_its_rank(bars: bool, reasons: list[str]) -> None:
    doubts = (Doubt("surroundings", "odd template", bars),)
    assert outside(replace(row("logged", 0.6, 1.0), doubts=doubts)) == reasons


PAID = "nobody else has judged a sample again: gemini is paid"


@pytest.mark.parametrize(
    ("levels", "reasons"),
    [
        (["logged"], [PAID]),
        (["logged", "re-run", "attacked"], [PAID]),
        (["logged", "re-judged"], []),
        (["logged", "re-judged", "attacked"], []),
    ],
)
def test_a_paid_judge_s_verdicts_need_another_s(levels: list[Level], reasons: list[str]) -> None:
    entry = row("logged", 0.6, 1.0)
    entry = replace(entry, claim=replace(entry.claim, judge="gemini"), levels=levels)
    assert outside(entry) == reasons


def test_rows_are_ranked_by_the_facts_that_the_base_answers() -> None:
    """A leak of a fact that the base does not answer is shown and costs no rank."""
    base_states = {fact: i < 20 for i, fact in enumerate(FACTS)}
    late = {fact: i >= 30 for i, fact in enumerate(FACTS)}
    entries = [
        replace(row("logged", 0.6, 1.0, 10, "leaks-known"), base_states=base_states),
        replace(row("logged", 0.6, 1.0, 0, "leaks-others"), base_states=base_states, states=late),
    ]
    shares = [cell(0.5), cell(0.0)]
    placed = ranked(
        [replace(entry, among_known=s) for entry, s in zip(entries, shares, strict=True)]
    )
    assert [(one.id, one.rank) for one in placed] == [
        ("leaks-others", (1, 1)),
        ("leaks-known", (2, 2)),
    ]


def test_ranked_rows_come_first_by_what_leaks_then_by_what_is_kept() -> None:
    rows = [
        row("claimed", 0.6, 1.0, 0, "only-claimed"),
        row("logged", 0.6, 1.0, 20, "leaks"),
        row("logged", 0.5, 1.0, 0, "keeps-less"),
        row("attacked", 0.6, 1.0, 0, "best"),
    ]
    placed = ranked(rows)
    assert [one.id for one in placed] == ["best", "keeps-less", "leaks", "only-claimed"]
    assert [one.rank for one in placed] == [(1, 1), (1, 1), (3, 3), None]
    assert placed[-1].outside == ["only claimed"]


def test_a_row_that_is_kept_reads_back_without_its_place() -> None:
    (placed,) = ranked([row("logged", 0.6, 1.0, 7)])
    kept = json.loads(json.dumps(placed.to_json()))
    assert "rank" not in kept
    assert "outside" not in kept
    assert kept["name"] == "row"
    assert kept["scores"]["fluency"] == [1.0, 1.0, 1.0]
    again = entry_from(kept)
    assert isinstance(again, Entry)
    assert again.to_json() == kept
    assert ranked([again])[0].rank == placed.rank


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("trust", "certain"),
        ("among_known", 0.5),
        ("base_knowledge", {"known": 1}),
        ("doubts", [{"code": "x"}]),
        ("scores", {"fluency": [1.0]}),
        ("scores", {"fluency": ["high", 1.0, 1.0]}),
        ("states", {"fact-1": None}),
        ("known", {"worst_case": None}),
        ("matrix", []),
        ("name", 7),
        ("samples", [{"key": "k"}]),
    ],
)
def test_a_kept_row_of_another_shape_is_refused(field: str, value: object) -> None:
    kept = row("logged", 0.6, 1.0).to_json()
    with pytest.raises(ValueError, match=field):
        entry_from(json.loads(json.dumps({**kept, field: value})))


def test_rank_intervals_cover_the_true_order() -> None:
    """Rows with rates .2, .3 and .5 over 60 drawn facts: each interval holds the true rank."""
    rng = np.random.default_rng(1)
    held = []
    for _ in range(60):
        leaks = rng.random((3, 60)) < np.array([[0.2], [0.3], [0.5]])
        rows = [{f"f{i}": bool(leak) for i, leak in enumerate(row)} for row in leaks]
        held += [low <= rank <= high for rank, (low, high) in enumerate(ranks(rows), start=1)]
    assert np.mean(held) >= 0.95


def test_a_checkpoint_that_is_sent_often_takes_one_place() -> None:
    """Its rows push nobody down, and share what leaks in any of them."""
    sent = [row("logged", 0.6, 1.0, n, f"sent-{n}") for n in (2, 2, 20)]
    sent = [replace(one, claim=replace(one.claim, fingerprint="same")) for one in sent]
    sent = [replace(one, id=f"{one.id}-{i}") for i, one in enumerate(sent)]
    other = row("logged", 0.6, 1.0, 8, "other")
    places = {one.id: one.rank for one in ranked([*sent, other])}
    assert places == {"other": (1, 1), "sent-2-0": (2, 2), "sent-2-1": (2, 2), "sent-20-2": (2, 2)}
