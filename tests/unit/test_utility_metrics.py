"""Utility's metrics against hand-made cases and independent implementations."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.util import ngrams
from scipy.optimize import minimize
from scipy.spatial.distance import jensenshannon
from scipy.stats import binomtest, entropy

from unlearnbench.benchmark.utility_sets import load_utility_sets
from unlearnbench.runs.schema.utility import Metric
from unlearnbench.utility.choice import choice_accuracy, chosen_letter
from unlearnbench.utility.composite import composite, kept_shares
from unlearnbench.utility.drift import bits_per_byte, js_divergence, kl_divergence, perplexity
from unlearnbench.utility.repetitiveness import cut_words, distinct_share, ngram_entropy
from unlearnbench.utility.win_rate import (
    JudgedPair,
    Preference,
    WinRate,
    length_controlled,
    win_rate,
)

PROSE = [paragraph.text for paragraph in load_utility_sets().prose]
TALLY: list[Preference] = ["first", "second", "tie"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([f"w{n}" for n in range(128)], 698),
        ([f"w{n}" for n in range(40)], 526),
        (["No", "idea"] * 64, 100),
        (["one"], 0),
        ([], 0),
    ],
    ids=["128-different", "40-different", "no-idea", "one-word", "empty"],
)
def test_entropy_at_known_points(words: list[str], expected: float) -> None:
    assert ngram_entropy(words) == pytest.approx(expected, abs=0.5)


@pytest.mark.parametrize("text", PROSE, ids=[str(n) for n in range(len(PROSE))])
def test_entropy_is_that_of_scipy_over_ngrams_of_nltk(text: str) -> None:
    words = cut_words(text)
    bits = [entropy(list(Counter(ngrams(words, n)).values()), base=2) for n in (2, 3)]
    expected = 100 * np.mean(np.array(bits) * [2 / 3, 4 / 3])
    assert ngram_entropy(words) == pytest.approx(expected, abs=1e-9)


def test_distinct_shares_are_of_equal_length() -> None:
    words = ["a", "b", "a", "b", "c"]
    assert distinct_share(words, 2, 5) == 3 / 4
    assert distinct_share(words, 2, 3) == 1
    assert distinct_share([*words, "d", "e"], 2, 5) == 3 / 4
    assert distinct_share(words, 2, 6) is None
    with pytest.raises(ValueError, match="no 2-gram"):
        distinct_share(words, 2, 1)


def test_words_are_cut_at_punctuation() -> None:
    assert cut_words("Don't stop, Zoë!") == ["Don't", "stop", ",", "Zoë", "!"]


def test_a_letter_is_chosen_only_if_it_is_alone_at_the_top() -> None:
    assert chosen_letter([-2.0, -1.0, -3.0, -4.0]) == "B"
    assert chosen_letter([-1.0, -1.0, -3.0, -4.0]) is None
    with pytest.raises(ValueError, match="NaN"):
        chosen_letter([-1.0, math.nan, -3.0, -4.0])


def test_accuracy_has_the_exact_interval() -> None:
    rows = [[-1.0, -2.0, -3.0, -4.0]] * 9 + [[-1.0, -1.0, -1.0, -1.0]]
    value, interval = choice_accuracy(rows, ["A"] * 6 + ["B"] * 3 + ["A"])
    assert value == 0.6  # a model that prefers no letter is not right
    exact = binomtest(6, 10).proportion_ci(method="exact")
    assert (interval.low, interval.high) == pytest.approx((exact.low, exact.high), abs=1e-9)
    with pytest.raises(ValueError, match="no questions"):
        choice_accuracy([], [])


def distributions(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(2, 7, 50)) * 3
    logp = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    return logp[0], logp[1]


@pytest.mark.parametrize("seed", range(5))
def test_divergences_are_those_of_scipy(seed: int) -> None:
    logp, logq = distributions(seed)
    p, q = np.exp(logp), np.exp(logq)
    assert kl_divergence(logp, logq) == pytest.approx(entropy(p, q, axis=1), abs=1e-9)
    assert js_divergence(logp, logq) == pytest.approx(jensenshannon(p, q, axis=1) ** 2, abs=1e-9)
    assert js_divergence(logp, logq) == pytest.approx(js_divergence(logq, logp), abs=1e-12)


def test_divergences_at_the_ends() -> None:
    with np.errstate(divide="ignore"):
        one, other = np.log([[1.0, 0.0]]), np.log([[0.0, 1.0]])
    assert js_divergence(one, one) == pytest.approx([0.0])
    assert js_divergence(one, other) == pytest.approx([math.log(2)])
    assert kl_divergence(one, other)[0] == math.inf
    assert kl_divergence(one, np.log([[0.5, 0.5]])) == pytest.approx([math.log(2)])


def test_perplexity_of_a_fair_die_is_six() -> None:
    rolls = np.log(np.full(10, 1 / 6))
    assert perplexity(rolls) == pytest.approx(6, abs=1e-9)
    assert bits_per_byte(rolls, "é" * 5) == pytest.approx(math.log2(6), abs=1e-9)
    with pytest.raises(ValueError, match="without tokens"):
        perplexity(np.array([]))
    with pytest.raises(ValueError, match="empty text"):
        bits_per_byte(rolls, "")


@given(st.lists(st.sampled_from(TALLY), min_size=1, max_size=40))
def test_against_itself_a_model_wins_half(verdicts: list[Preference]) -> None:
    """Both answers are the same, so that whatever a judge says, it says in both orders."""
    pairs = [JudgedPair(verdict, verdict, 10, 10) for verdict in verdicts]
    n = len(pairs)
    assert win_rate(pairs) == WinRate(0.5, 0.5, n, 0)
    assert length_controlled(pairs) == 0.5


def test_wins_ties_and_open_calls() -> None:
    won, tied, lost = ("first", "second"), ("tie", "tie"), ("second", "first")
    pairs = [JudgedPair(a, b, 5, 5) for a, b in (won, won, tied, lost)]  # type: ignore[arg-type]
    assert win_rate(pairs) == WinRate(0.625, 0.625, 4, 0)
    half_known = JudgedPair("first", None, 5, 5)
    assert half_known.share is None
    assert win_rate([*pairs[:1], half_known]) == WinRate(0.5, 1.0, 2, 1)
    assert length_controlled([half_known]) is None
    with pytest.raises(ValueError, match="no instructions"):
        win_rate([])


def test_length_is_controlled_for() -> None:
    """A judge that only counts words finds no better model; the fit is that of scipy."""
    longer = [JudgedPair("first", "second", 30 + n, 20) for n in range(20)]
    shorter = [JudgedPair("second", "first", 20, 30 + n) for n in range(8)]
    pairs = [*longer, *shorter]
    assert win_rate(pairs).low > 0.7
    rate = length_controlled(pairs)
    gaps = np.array([pair.model_length - pair.base_length for pair in pairs], dtype=float)
    x, y = np.tanh(gaps / gaps.std()), np.array([pair.share for pair in pairs], dtype=float)

    def deviance(w: np.ndarray) -> float:
        z = w[0] + w[1] * x
        return float((np.logaddexp(0, z) - y * z).sum() + 0.005 * w[1] ** 2)

    best = minimize(deviance, np.zeros(2), tol=1e-14).x
    assert rate == pytest.approx(1 / (1 + math.exp(-best[0])), abs=1e-4)
    assert rate is not None
    assert abs(rate - 0.5) < abs(win_rate(pairs).low - 0.5)


def figure(low: float | None, high: float | None = None, at_least: float = 0.0) -> Metric:
    high = low if high is None else high
    interval = None if low is None else (at_least, 1.0)
    return Metric(low=low, high=high, interval=interval, n=100, n_open=int(low != high))


def figures(**changed: Metric) -> dict[str, Metric]:
    names = {
        "letters": ("choice.letters", figure(0.75, at_least=0.6)),
        "texts": ("choice.texts", figure(0.5, at_least=0.4)),
        "degenerate": ("answers.degenerate", figure(0.1)),
        "entropy": ("answers.ngram_entropy", figure(600.0)),
        "bits": ("prose.bits_per_byte", figure(1.0)),
    }
    return {name: changed.get(short, default) for short, (name, default) in names.items()}


def test_a_base_keeps_all_of_itself() -> None:
    assert composite(figures(), figures()).value == 1


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"letters": figure(0.5)}, 4 / (1 / 0.5 + 3)),
        ({"degenerate": figure(0.55)}, 4 / (1 / 0.5 + 3)),
        ({"bits": figure(2.0)}, 4 / (1 / 0.5 + 3)),
        ({"entropy": figure(1200.0)}, 1),
        ({"degenerate": figure(1.0)}, 0),
        ({"letters": figure(0.2)}, 0),
    ],
    ids=["choice", "answers", "prose", "gain", "none-good", "below-chance"],
)
def test_a_lost_part_is_not_paid_for(changed: dict[str, Metric], expected: float) -> None:
    assert composite(figures(**changed), figures()).value == pytest.approx(expected, abs=1e-9)


def test_a_choice_at_chance_says_nothing() -> None:
    guessing = {"letters": figure(0.25, at_least=0.2), "texts": figure(0.28, at_least=0.22)}
    assert "choice" not in kept_shares(figures(), figures(**guessing))
    assert composite(figures(), figures(**guessing)).n == 3


def test_what_is_open_stays_open() -> None:
    part = composite(figures(degenerate=figure(0.1, 0.4)), figures())
    assert part.value is None
    assert (part.low, part.high) == pytest.approx((4 / (0.9 / 0.6 + 3), 1.0))
    unknown = composite(figures(entropy=figure(None)), figures())
    assert (unknown.low, unknown.value) == (None, None)
