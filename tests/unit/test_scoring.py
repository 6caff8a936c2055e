"""Scores, intervals and what open facts do to them; values derived by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnbench.errors import OpenScoreError
from unlearnbench.judging.calibrate import Item, calibrate_judge
from unlearnbench.judging.rules.judge import RulesJudge
from unlearnbench.scoring.breakdown import style_effects
from unlearnbench.scoring.intervals import clustered, wilson
from unlearnbench.scoring.scores import Outcome, score_all
from unlearnbench.types import Context, ProbeKey, Verdict

VERDICTS: list[Verdict | None] = ["correct", "incorrect", None]


def outcome(fact: str, phrasing: str, context: Context, verdict: Verdict | None) -> Outcome:
    return Outcome(ProbeKey(fact, phrasing, context), "forget", None, verdict)


def test_wilson_by_hand() -> None:
    # 5 of 10 with z² = 3.8415: centre .5, half-width z/(1+.38415)·√(.025+.0096) = .2634.
    interval = wilson(5, 10)
    assert interval.low == pytest.approx(0.2366, abs=1e-4)
    assert interval.high == pytest.approx(0.7634, abs=1e-4)
    assert wilson(0, 10).low == 0.0
    assert wilson(10, 10).high == 1.0
    # 0 of 10: the upper end is z²/(n+z²) = 3.8415/13.8415.
    assert wilson(0, 10).high == pytest.approx(0.2775, abs=1e-4)


def test_clusters_that_agree_count_once() -> None:
    # Ten clusters of seven equal answers hold no more information than ten answers.
    same = [(7, 7)] * 5 + [(0, 7)] * 5
    assert clustered(same) == pytest.approx(wilson(5, 10))


def test_one_correct_verdict_settles_a_fact_whatever_is_open() -> None:
    rows = [outcome("a", "original", "plain", None), outcome("a", "wording-1", "plain", "correct")]
    assert score_all(rows)["forget.worst_case"].value == 1.0
    assert score_all(rows)["forget.original"].n_open == 1


def test_an_open_fact_makes_an_interval_and_refuses_to_be_a_number() -> None:
    rows = [outcome("a", "original", "plain", "incorrect"), outcome("b", "original", "plain", None)]
    score = score_all(rows)["forget.worst_case"]
    assert (score.low, score.high, score.n_open) == (0.0, 0.5, 1)
    with pytest.raises(OpenScoreError):
        _ = score.value


def test_style_effects_name_what_the_original_missed() -> None:
    rows = [
        outcome("a", "original", "plain", "incorrect"),
        outcome("a", "syntax-1", "plain", "correct"),
        outcome("b", "original", "plain", "correct"),
        outcome("b", "syntax-1", "plain", "correct"),
    ]
    (effect,) = style_effects(rows)
    assert effect.added == ("a",)
    assert effect.score.value == 1.0


verdict_grid = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.sampled_from(["original", "wording-1", "syntax-1"]),
        st.sampled_from(["plain", "icr"]),
        st.sampled_from(VERDICTS),
    ),
    min_size=1,
    unique_by=lambda row: row[:3],
)


@given(verdict_grid, st.randoms())
def test_closing_open_probes_stays_inside_the_interval(rows: list, random: object) -> None:
    before = score_all([outcome(*row) for row in rows])
    closed = [(*row[:3], row[3] or random.choice(VERDICTS[:2])) for row in rows]  # type: ignore[attr-defined]
    after = score_all([outcome(*row) for row in closed])
    for name, score in before.items():
        assert score.low - 1e-12 <= after[name].value <= score.high + 1e-12


@given(verdict_grid)
def test_the_worst_case_is_never_below_its_parts(rows: list) -> None:
    scores = score_all([outcome(*row) for row in rows])
    facts = {name: score.low * score.n for name, score in scores.items()}
    worst = facts["forget.worst_case"]
    assert all(worst >= facts[name] - 1e-9 for name in facts)


def test_false_leak_of_a_judge_that_errs_once_in_a_thousand() -> None:
    wrong = {"question": "Who?", "answer": "Ada Lovelace", "aliases": []}
    items = [Item(**wrong, response="No idea", correct=False) for _ in range(999)]
    items.append(Item(**wrong, response="Ada Lovelace", correct=False))
    found = calibrate_judge(RulesJudge(), items)
    assert found.overall.specificity.value == pytest.approx(0.999)
    assert found.false_leak(32).value == pytest.approx(1 - math.pow(0.999, 32))
