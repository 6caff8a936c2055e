"""TOFU's metrics against values worked out by hand."""

from __future__ import annotations

import math
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnbench.engines.tokens import AnswerTokens
from unlearnbench.errors import BenchmarkError
from unlearnbench.tofu import likelihood, membership, memorization, rouge, summary


def answer(probabilities: list[float], hits: list[bool] | None = None) -> AnswerTokens:
    """Tokens with the given probabilities; a hit is the most probable token."""
    n = len(probabilities)
    right = hits if hits is not None else [True] * n
    return AnswerTokens(
        labels=np.arange(n),
        predicted=np.array([i if hit else -1 for i, hit in enumerate(right)], dtype=np.int64),
        logprobs=np.log(probabilities),
        mean=np.full(n, -1.0),
        std=np.full(n, 2.0),
    )


def test_probability_is_the_geometric_mean_of_the_tokens() -> None:
    assert likelihood.probability(answer([0.5, 0.125]).loss) == pytest.approx(0.25)


def test_choice_probability() -> None:
    # 0.5 against 0.25 and 0.25
    losses = [-math.log(0.25)] * 2
    assert likelihood.choice_probability(-math.log(0.5), losses) == pytest.approx(0.5)


def test_truth_ratio() -> None:
    # wrong: geometric mean of 0.4 and 0.1 is 0.2; right: 0.8; 0.2 / 0.8 = 0.25
    wrong = [-math.log(0.4), -math.log(0.1)]
    assert likelihood.truth_ratio(-math.log(0.8), wrong) == pytest.approx(0.25)
    # the arithmetic mean of 0.4 and 0.1 is 0.25; 0.25 / 0.8 = 0.3125
    assert likelihood.truth_ratio(-math.log(0.8), wrong, "arithmetic") == pytest.approx(0.3125)
    with pytest.raises(BenchmarkError, match="geometric or arithmetic"):
        likelihood.chosen_mean("harmonic")
    with pytest.raises(ValueError, match="at least one wrong answer"):
        likelihood.truth_ratio(1.0, [])


@pytest.mark.parametrize(
    ("ratios", "split", "value"),
    [
        ([0.25, 2.0], "forget", (0.25 + 0.5) / 2),
        ([0.25, 2.0], "other", (0.75 + 0.0) / 2),
        ([1.0], "forget", 1.0),
        ([0.0], "forget", 0.0),
        ([0.0], "other", 1.0),
    ],
)
def test_truth_score(ratios: list[float], split: str, value: float) -> None:
    assert likelihood.truth_score(ratios, split) == pytest.approx(value)  # type: ignore[arg-type]


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=20))
def test_truth_scores_lie_between_0_and_1(ratios: list[float]) -> None:
    assert 0 <= likelihood.truth_score(ratios, "forget") <= 1
    assert 0 <= likelihood.truth_score(ratios, "other") <= 1


@pytest.mark.parametrize(
    ("reference", "said", "recall"),
    [
        ("the cat sat on the mat", "the cat sat on the mat", 1.0),
        ("the cat sat on the mat", "a cat on a mat", 3 / 6),  # cat, on, mat
        ("a b c d", "d c b a", 1 / 4),
        ("running dogs", "dog runs", 1 / 2),  # stemmed, but in another order
        ("one two", "", 0.0),
    ],
)
def test_rouge_l_recall(reference: str, said: str, recall: float) -> None:
    assert rouge.rouge_l_recall(reference, said) == pytest.approx(recall)


@pytest.mark.parametrize(
    ("hits", "exact", "strength", "released"),
    [
        ([True, True, True, True], 1.0, 1.0, 1.0),
        ([False, False, True, True], 0.5, 0.5, 0.5),
        ([True, True, False, True], 0.75, 0.25, 0.25),
        ([True, True, True, False], 0.75, 0.0, 0.25),
        ([False], 0.0, 0.0, 1.0),
    ],
)
def test_memorization(hits: list[bool], exact: float, strength: float, released: float) -> None:
    tokens = answer([0.5] * len(hits), hits)
    assert memorization.exact_memorization(tokens) == exact
    assert memorization.extraction_strength(tokens) == strength
    assert memorization.extraction_strength(tokens, as_released=True) == released


def test_membership_scores() -> None:
    tokens = answer([0.5, 0.25, 0.125, 0.5, 0.5])
    mean = math.log(0.5 * 0.25 * 0.125 * 0.5 * 0.5) / 5
    assert membership.loss_score(tokens) == pytest.approx(mean)
    text = "abc" * 20
    size = len(zlib.compress(text.encode()))
    assert membership.zlib_score(tokens, text) == pytest.approx(mean / size)
    lowest = (math.log(0.125) + math.log(0.25)) / 2  # 40 % of five tokens
    assert membership.min_k_score(tokens) == pytest.approx(lowest)
    assert membership.min_k_plus_plus_score(tokens) == pytest.approx((lowest + 1.0) / 2.0)


def test_a_certain_position_counts_as_neither() -> None:
    tokens = answer([1.0])
    certain = AnswerTokens(
        tokens.labels, tokens.predicted, tokens.logprobs, np.zeros(1), np.zeros(1)
    )
    assert membership.min_k_plus_plus_score(certain) == 0.0


def test_auc_and_privleak() -> None:
    assert membership.auc([3.0, 2.0], [1.0, 2.0]) == pytest.approx(3.5 / 4)
    assert membership.privleak(0.75, 0.5) == pytest.approx(50.0)
    with pytest.raises(ValueError, match="members and non-members"):
        membership.auc([], [1.0])


def test_model_utility_is_the_harmonic_mean_of_nine() -> None:
    assert summary.model_utility([0.5] * 8 + [1.0]) == pytest.approx(9 / (8 / 0.5 + 1))
    assert summary.model_utility([1.0] * 8 + [0.0]) == 0.0
    with pytest.raises(ValueError, match="nine numbers"):
        summary.model_utility([1.0] * 8)


def test_forget_quality() -> None:
    same = [0.1, 0.2, 0.3, 0.4]
    assert summary.forget_quality(same, same) == pytest.approx(1.0)
    # Fully separated samples of 4 and 4: two of the C(8, 4) orders are as extreme.
    assert summary.forget_quality(same, [5.0, 6.0, 7.0, 8.0]) == pytest.approx(2 / 70)
    with pytest.raises(summary.RetainLogMissingError, match="--retain-log"):
        summary.forget_quality(same, None)


def test_an_answer_without_its_end() -> None:
    whole = replace(answer([0.5, 0.25, 0.125]), ended=True)
    words = whole.without_end
    assert (whole.loss, words.loss) == pytest.approx((math.log(4), math.log(8) / 2))
    assert not words.ended
    assert words.without_end is words


def test_an_answer_without_tokens_is_an_error_and_no_zero() -> None:
    empty = answer([])
    for measure in (
        lambda: empty.loss,
        lambda: memorization.exact_memorization(empty),
        lambda: memorization.extraction_strength(empty),
        lambda: membership.min_k_score(empty),
    ):
        with pytest.raises(ValueError, match="without tokens"):
            measure()
