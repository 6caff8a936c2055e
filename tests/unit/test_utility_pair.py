"""Two runs' utility: tests on pairs, and what may be said of them."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import permutation_test

from tests.utility_samples import SETS, measured, record
from unlearnbench.runs.schema.utility import StoredAnswer
from unlearnbench.runs.utility_pair import UtilityComparison, UtilityDifference
from unlearnbench.scoring.paired import holm, paired_mean
from unlearnbench.utility.beside import metrics_beside
from unlearnbench.utility.paired import compare_utility

BUSY = settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
"""10,000 draws an example, on a machine that may be busy."""
NUMBERS = st.lists(st.floats(-100, 100), min_size=1, max_size=20)


def named(values: list[float]) -> dict[str, float]:
    return {str(place): value for place, value in enumerate(values)}


def test_a_randomisation_test_on_three_units_by_hand() -> None:
    """Differences 1, 1, 1: of 8 signs two have a mean as far from 0."""
    test = paired_mean(named([2.0, 3.0, 4.0]), named([1.0, 2.0, 3.0]))
    assert (test.difference, test.interval, test.n) == (1.0, (1.0, 1.0), 3)
    assert test.p == pytest.approx(2 / 8, abs=0.02)


def test_it_agrees_with_scipy_where_all_signs_can_be_tried() -> None:
    first, second = [1.1, 0.2, 3.5, 2.2, -0.4, 1.9, 2.8, 0.3], [0.4, 0.9, 1.2, 2.0, 0, 1, 2.9, -1]
    exact = permutation_test(
        (first, second), lambda a, b: (a - b).mean(), permutation_type="samples", vectorized=False
    )
    test = paired_mean(named(first), named(second))
    assert test.p == pytest.approx(exact.pvalue, abs=0.02)
    assert test.difference == pytest.approx(exact.statistic)


def test_one_unit_shows_nothing() -> None:
    test = paired_mean({"a": 5.0}, {"a": 1.0})
    assert (test.p, test.interval) == (1.0, None)


@BUSY
@given(NUMBERS)
def test_what_is_compared_with_itself_does_not_differ(values: list[float]) -> None:
    test = paired_mean(named(values), named(values))
    assert (test.difference, test.p) == (0.0, 1.0)


@BUSY
@given(NUMBERS)
def test_swapping_the_runs_turns_the_sign_alone(values: list[float]) -> None:
    other = [value + math.sin(place) for place, value in enumerate(values)]
    one, two = paired_mean(named(values), named(other)), paired_mean(named(other), named(values))
    assert one.difference == pytest.approx(-two.difference)
    assert one.p == two.p


def test_units_must_be_the_same() -> None:
    with pytest.raises(ValueError, match="same units"):
        paired_mean({"a": 1.0}, {"b": 1.0})
    with pytest.raises(ValueError, match="same units"):
        paired_mean({}, {})


def test_holm_by_hand() -> None:
    """0.01 × 3, then 0.03 × 2, then 0.04 × 1, which may not be smaller than 0.06."""
    adjusted = holm({"a": 0.01, "b": 0.04, "c": 0.03})
    assert adjusted == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06})


def difference(gain: float, adjusted: float) -> UtilityDifference:
    return UtilityDifference(gain, gain, adjusted, adjusted, 100)


VERDICTS = [
    ({"choice.texts": (-0.2, 0.01)}, 0, None, "keeps less (choice.texts p = 0.010)"),
    ({"choice.texts": (0.2, 0.0001)}, 0, None, "keeps more (choice.texts p < 0.001)"),
    ({"choice.texts": (-0.2, 0.05)}, 0, None, "differs in no metric of utility significantly"),
    (
        {"choice.texts": (-0.2, 0.01), "prose.bits_per_byte": (0.1, 0.02)},
        0,
        None,
        "keeps less in choice.texts p = 0.010 and more in prose.bits_per_byte p = 0.020",
    ),
    ({"choice.texts": (-0.2, 0.01)}, 1, None, None),
    ({}, 0, "not measured in the second", None),
]


@pytest.mark.parametrize(("tests", "n_open", "refused", "expected"), VERDICTS)
def test_only_what_is_significant_is_said(
    tests: dict[str, tuple[float, float]], n_open: int, refused: str | None, expected: str | None
) -> None:
    differences = {name: difference(*pair) for name, pair in tests.items()}
    assert UtilityComparison(differences, n_open, refused).verdict == expected


def test_questions_answers_and_paragraphs_are_paired() -> None:
    """The second is right in no question of 24 and answers "No idea": both are seen."""
    good, bad = measured("good"), measured("bad", right=0, answer="No idea. " * 3)
    compared = compare_utility(record(good), record(bad), SETS)
    letters = compared.differences["choice.letters"]
    assert (letters.difference, letters.n) == (-1.0, 24)
    assert letters.p == pytest.approx(2 * 0.5**24)
    assert compared.differences["answers.degenerate"].gain == -1.0
    assert compared.differences["prose.bits_per_byte"].difference == 0.0
    assert compared.verdict is not None
    assert compared.verdict.startswith("keeps less (choice.letters p < 0.001")


def test_an_open_answer_leaves_no_verdict() -> None:
    answers = {**measured("a").answers}
    answers[SETS.instructions[0].id] = StoredAnswer(text=None, fault="lost")
    lost = measured("a").model_copy(update={"answers": answers})
    compared = compare_utility(record(measured("b")), record(lost), SETS)
    assert (compared.n_open, compared.verdict) == (1, None)
    assert compared.differences["answers.degenerate"].n == 23


def test_what_cannot_be_compared_says_why() -> None:
    good = record(measured("a"))
    half = measured("a").model_copy(update={"settings": {"prompt_format": "raw", "dtype": "x"}})
    short = measured("a").model_copy(update={"prose": {}})
    nan = measured("a").model_copy(
        update={"letters": {q.id: (math.nan, 0.0, 0.0, 0.0) for q in SETS.questions}}
    )
    reasons = {
        "not measured in the second": None,
        "measured on other questions": good.model_copy(update={"data": "0" * 64}),
        "its prompt format is raw, not chat": record(half),
        "lacks rows": good.model_copy(update={"model": short}),
        "its version did not say how": record(measured("a").model_copy(update={"settings": {}})),
    }
    for reason, second in reasons.items():
        assert reason in str(compare_utility(good, second, SETS).refused)
    assert "lacks rows" in str(
        compare_utility(good.model_copy(update={"model": nan}), good, SETS).refused
    )


def test_a_base_of_a_run_of_its_own_gives_the_composite() -> None:
    base, after = record(measured("base")), record(measured("after", right=12))
    metrics, before = metrics_beside(after, base)
    # choice: (1/2 - 1/4) / (1 - 1/4) = 1/3 of the base's; the other three parts are whole.
    assert metrics["composite"].value == pytest.approx(4 / (3 + 1 + 1 + 1))
    assert before["choice.letters"].value == 1.0
    other = base.model_copy(update={"data": "0" * 64})
    assert "composite" not in metrics_beside(after, other)[0]
    assert "composite" not in metrics_beside(after, None)[0]
