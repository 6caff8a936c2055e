"""The win rate's metrics: by hand, against scipy, and what must hold of any verdicts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import root
from scipy.special import expit

from tests.utility_records import instruction_ids, measured
from unlearnbench.runs.schema.utility import (
    JudgedInstruction,
    Metric,
    Preferences,
    PreferenceVerdict,
)
from unlearnbench.utility.preferences import preference_metrics
from unlearnbench.utility.win_rate import JudgedPair, Preference, length_controlled, win_rate

VERDICTS = st.sampled_from(["first", "second", "tie"])
LENGTHS = st.integers(0, 200)
PAIRS = st.lists(st.builds(JudgedPair, VERDICTS, VERDICTS, LENGTHS, LENGTHS), min_size=1)


def metrics(*rows: tuple[Preference | None, Preference | None]) -> dict[str, Metric]:
    """The metrics of these verdicts, on answers of one length."""
    ids = instruction_ids(len(rows))
    said = {
        key: JudgedInstruction(
            model_first=PreferenceVerdict(verdict=one, fault=None, reply=""),
            base_first=PreferenceVerdict(verdict=two, fault=None, reply=""),
        )
        for key, (one, two) in zip(ids, rows, strict=True)
    }
    answers: dict[str, str | None] = dict.fromkeys(ids, "of one length")
    sides = measured(answers), measured(answers)
    return preference_metrics(Preferences(judge="j", identity="0", rows=said), *sides)


def test_by_hand() -> None:
    """Won, lost, by position, tied, won once and tied once: (1 + 0 + ½ + ½ + ¾) / 5."""
    rows = metrics(
        ("first", "second"), ("second", "first"), ("first", "first"), ("tie", "tie"),
        ("first", "tie"),
    )  # fmt: skip
    assert rows["win_rate"].value == pytest.approx(2.75 / 5, abs=1e-12)
    assert rows["win_rate.length_controlled"].value == pytest.approx(2.75 / 5, abs=1e-12)
    assert rows["win_rate.agreeing"].value == 3 / 5


def test_an_open_verdict_widens_and_is_never_a_win_or_a_loss() -> None:
    rows = metrics(("first", "second"), ("first", None), ("second", "first"), (None, None))
    assert (rows["win_rate"].low, rows["win_rate"].high) == (1 / 4, 3 / 4)
    assert rows["win_rate"].value is None
    assert rows["win_rate"].n_open == 2
    assert rows["win_rate.length_controlled"].low is None
    low, high = rows["win_rate"].interval or (1.0, 0.0)
    assert low <= 1 / 4
    assert high >= 3 / 4


def test_all_won_is_not_certain() -> None:
    low, high = metrics(*[("first", "second")] * 10)["win_rate"].interval or (1.0, 0.0)
    assert low == pytest.approx(0.7224672, abs=1e-6)  # Wilson's for 10 of 10
    assert high == 1.0


def test_the_interval_is_that_of_a_mean() -> None:
    """Of 100 instructions, half won: the standard error is 0.05."""
    rows = metrics(*[("first", "second"), ("second", "first")] * 50)
    low, high = rows["win_rate"].interval or (0.0, 0.0)
    assert low == pytest.approx(0.5 - 1.96 * 0.05, abs=0.015)
    assert high == pytest.approx(0.5 + 1.96 * 0.05, abs=0.015)
    assert rows["win_rate"] == metrics(*[("first", "second"), ("second", "first")] * 50)["win_rate"]


@given(PAIRS)
def test_turned_round_the_rates_add_up_to_one(pairs: list[JudgedPair]) -> None:
    turned = [
        JudgedPair(pair.base_first, pair.model_first, pair.base_length, pair.model_length)
        for pair in pairs
    ]
    assert win_rate(pairs).low + win_rate(turned).low == pytest.approx(1, abs=1e-12)
    one, two = length_controlled(pairs), length_controlled(turned)
    assert one is not None
    assert two is not None
    assert one + two == pytest.approx(1, abs=1e-9)


@given(PAIRS, VERDICTS)
def test_a_judge_that_says_one_word_gives_a_half(pairs: list[JudgedPair], word: Preference) -> None:
    said = [JudgedPair(word, word, pair.model_length, pair.base_length) for pair in pairs]
    assert win_rate(said).low == 0.5
    assert length_controlled(said) == pytest.approx(0.5, abs=1e-12)


@given(PAIRS)
@settings(max_examples=200)
def test_the_rate_at_equal_length_is_scipys(pairs: list[JudgedPair]) -> None:
    """The same equations, solved by MINPACK: both derivatives of the penalised deviance vanish."""
    shares = np.array([pair.share for pair in pairs], dtype=float)
    gaps = np.array([pair.model_length - pair.base_length for pair in pairs], dtype=float)
    value = length_controlled(pairs)
    assert value is not None
    if shares.mean() in (0.0, 1.0) or not gaps.any():
        assert value == shares.mean()
        return
    x = np.tanh(gaps / (gaps.std() or abs(gaps[0])))

    def slope(weights: np.ndarray) -> list[float]:
        residual = expit(weights[0] + weights[1] * x) - shares
        return [float(residual.sum()), float((residual * x).sum() + 0.01 * weights[1])]

    solved = root(slope, [0.0, 0.0], method="hybr", options={"xtol": 1e-13, "maxfev": 20_000})
    if max(map(abs, slope(solved.x))) > 1e-10:
        solved = root(slope, [0.0, 0.0], method="lm", options={"xtol": 1e-15, "ftol": 1e-15})
    assert max(map(abs, slope(solved.x))) < 1e-9
    assert value == pytest.approx(float(expit(solved.x[0])), abs=1e-9)


def test_what_length_bought_is_taken_off() -> None:
    """The longer answer wins three of four, whoever gave it, and the model gave it three times
    of four: 50 of 80 are won, and ½ at equal length, but for the slight ridge.
    """
    longer, shorter = (100, 50), (50, 100)
    won, lost = ("first", "second"), ("second", "first")
    rows: list[JudgedPair] = []
    for lengths, n_won, n_lost in ((longer, 45, 15), (shorter, 5, 15)):
        rows += [JudgedPair(*won, *lengths)] * n_won + [JudgedPair(*lost, *lengths)] * n_lost
    assert win_rate(rows).low == 50 / 80
    assert length_controlled(rows) == pytest.approx(0.5, abs=1e-3)
