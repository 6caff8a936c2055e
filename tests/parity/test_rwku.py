"""RWKU's recall against the package that its code calls, and against another implementation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from tests.parity.values import stored
from unlearnbench.rwku.recall import rwku_recall

WORDS = ["river", "stone", "light", "paper", "green", "house", "seven", "winter"]


@pytest.mark.parametrize("case", stored("rwku_recall")["cases"], ids=lambda c: c["response"])
def test_recall_is_that_of_the_package_rouge(case: dict[str, str]) -> None:
    """Values of `rouge` 1.0.1 on sentences of ours; case, stops and repeated words included."""
    assert rwku_recall(case["reference"], case["response"]) == pytest.approx(
        case["recall"], abs=1e-6
    )


@given(
    st.lists(st.sampled_from(WORDS), unique=True, min_size=1, max_size=8),
    st.lists(st.sampled_from(WORDS), unique=True, min_size=1, max_size=8),
)
def test_recall_of_plain_words_is_that_of_rouge_score(one: list[str], two: list[str]) -> None:
    """Where nothing is folded and no word repeats, all definitions of ROUGE-L are one."""
    reference, response = " ".join(one), " ".join(two)
    expected = RougeScorer(["rougeL"]).score(reference, response)["rougeL"].recall
    assert rwku_recall(reference, response) == pytest.approx(expected, abs=1e-6)
