"""More of utility's figures against independent implementations, to 1e-9."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.util import ngrams
from scipy.stats import binomtest, hmean, norm, sem

from unlearnbench.benchmark.utility_sets import load_utility_sets
from unlearnbench.runs.schema.utility import ChoiceTable, Metric
from unlearnbench.utility.choice import choice_accuracy, chosen_index
from unlearnbench.utility.composite import composite
from unlearnbench.utility.drift import perplexity
from unlearnbench.utility.repetitiveness import cut_words, distinct_share
from unlearnbench.utility.summary import mean_metric
from unlearnbench.utility.tables import table_metrics

CLOSE = 1e-9
PROSE = load_utility_sets().prose[:8]
shares = st.floats(0.05, 1.0)


@pytest.mark.parametrize("text", [row.text for row in PROSE], ids=[row.id for row in PROSE])
@pytest.mark.parametrize("n", [2, 3])
def test_distinct_shares_are_those_over_ngrams_of_nltk(text: str, n: int) -> None:
    words = cut_words(text)[:40]
    all_of_them = list(ngrams(words, n))
    expected = len(set(all_of_them)) / len(all_of_them)
    assert distinct_share(cut_words(text), n, 40) == pytest.approx(expected, abs=CLOSE)


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=30))
def test_a_mean_has_the_interval_of_scipy(values: list[float]) -> None:
    metric = mean_metric(values)
    half = norm.ppf(0.975) * sem(values)
    assert metric.value == pytest.approx(np.mean(values), abs=CLOSE)
    assert metric.interval == pytest.approx(
        (np.mean(values) - half, np.mean(values) + half), abs=CLOSE
    )


def figure(value: float, at_least: float = 0.0) -> Metric:
    return Metric(low=value, high=value, interval=(at_least, 1.0), n=100)


@given(shares, shares, shares, shares)
def test_the_composite_is_the_harmonic_mean_of_scipy(
    choice: float, good: float, entropy: float, bits: float
) -> None:
    base = {
        "choice.letters": figure(0.75, at_least=0.6),
        "choice.texts": figure(0.5, at_least=0.4),
        "answers.degenerate": figure(0.0),
        "answers.ngram_entropy": figure(600.0),
        "prose.bits_per_byte": figure(1.0),
    }
    model = {
        **base,
        "choice.letters": figure(0.25 + 0.5 * choice),
        "answers.degenerate": figure(1 - good),
        "answers.ngram_entropy": figure(600 * entropy),
        "prose.bits_per_byte": figure(1 / bits),
    }
    expected = hmean([choice, good, entropy, bits])
    assert composite(model, base).value == pytest.approx(expected, abs=CLOSE)


@given(st.integers(1, 60), st.integers(0, 60), st.integers(2, 10), st.integers(0, 99))
def test_accuracy_of_a_table_is_that_of_numpy_and_scipy(
    n: int, right: int, choices: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    letters = rng.normal(size=(n, choices))
    gold = letters.argmax(1)
    gold[: max(0, n - right)] = (gold[: max(0, n - right)] + 1) % choices
    table = ChoiceTable(
        source="s",
        data="d",
        shots=0,
        gold={str(row): int(index) for row, index in enumerate(gold)},
        letters={str(row): tuple(values) for row, values in enumerate(letters.tolist())},
    )
    metric = table_metrics("t", table)["choice.t"]
    hits = int((letters.argmax(1) == gold).sum())
    exact = binomtest(hits, n).proportion_ci(method="wilson")
    assert metric.value == pytest.approx(np.mean(letters.argmax(1) == gold), abs=CLOSE)
    assert metric.interval == pytest.approx((exact.low, exact.high), abs=CLOSE)


@given(st.integers(0, 99))
def test_letters_are_chosen_as_numpy_does_where_they_differ(seed: int) -> None:
    rows = np.random.default_rng(seed).normal(size=(20, 4))
    gold = ["ABCD"[index] for index in np.random.default_rng(seed + 1).integers(0, 4, size=20)]
    assert [chosen_index(row) for row in rows] == rows.argmax(1).tolist()
    hits = sum("ABCD"[index] == letter for index, letter in zip(rows.argmax(1), gold, strict=True))
    assert choice_accuracy(rows.tolist(), gold)[0] == pytest.approx(hits / 20, abs=CLOSE)


@given(st.lists(st.floats(-12, -0.01), min_size=1, max_size=40))
def test_perplexity_is_two_to_the_cross_entropy(logprobs: list[float]) -> None:
    """As `nltk.lm` defines it: 2 ** -(mean of log2 p)."""
    expected = 2.0 ** -np.mean(np.array(logprobs) / np.log(2))
    assert perplexity(np.array(logprobs)) == pytest.approx(expected, rel=CLOSE)
