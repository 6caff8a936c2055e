"""Metrics of single tokens against open-unlearning d3d7cf9: where the end of the turn counts."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.parity.values import stored
from unlearnbench.engines.tokens import AnswerTokens
from unlearnbench.engines.transformers.likelihood import token_figures
from unlearnbench.tofu.likelihood import probability
from unlearnbench.tofu.measure import ATTACKS
from unlearnbench.tofu.memorization import exact_memorization, extraction_strength

CASES = stored("token_metrics")
CLOSE: Any = {"rel": 2e-5, "abs": 1e-6}


def tokens(case: dict[str, Any]) -> AnswerTokens:
    """The answer of a case, its end with it."""
    start, ids = case["prompt_tokens"], case["input_ids"]
    logits = torch.tensor(case["logits"])[start - 1 : len(ids) - 1]
    return token_figures(logits, ids[start:], case["end_token_last"])


@pytest.mark.parametrize("number", range(len(CASES)))
def test_losses_count_the_end(number: int) -> None:
    case, theirs = tokens(CASES[number]), CASES[number]["peers"]
    assert case.loss == pytest.approx(theirs["avg_loss_with_end"], **CLOSE)
    assert probability(case.loss) == pytest.approx(theirs["probability_with_end"], **CLOSE)
    assert len(case.without_end.labels) == len(case.labels) - 1
    assert case.without_end.loss != pytest.approx(case.loss, rel=1e-3)


@pytest.mark.parametrize("number", range(len(CASES)))
def test_memorization_looks_at_words_alone(number: int) -> None:
    words, theirs = tokens(CASES[number]).without_end, CASES[number]["peers"]
    assert exact_memorization(words) == pytest.approx(theirs["exact_memorization"], **CLOSE)
    released = extraction_strength(words, as_released=True)
    assert released == pytest.approx(theirs["extraction_strength"], **CLOSE)
    last_is_right = bool(words.hits[-1])
    assert (extraction_strength(words) == pytest.approx(released)) == last_is_right
    assert last_is_right or extraction_strength(words) == 0.0


@pytest.mark.parametrize("number", range(len(CASES)))
@pytest.mark.parametrize(
    ("attack", "key"),
    [
        ("loss", "mia_loss_with_end"),
        ("zlib", "mia_zlib_with_end"),
        ("min_k", "mia_min_k_0_4"),
        ("min_k_plus_plus", "mia_min_k_plus_plus_0_4"),
    ],
)
def test_membership_attacks(attack: str, key: str, number: int) -> None:
    """Theirs are higher for less likely members."""
    case = CASES[number]
    ours = ATTACKS[attack](tokens(case), case["text"])
    assert ours == pytest.approx(-case["peers"][key], **CLOSE)


def test_without_an_end_there_is_nothing_to_leave_out() -> None:
    case = dict(CASES[0], end_token_last=False)
    assert tokens(case).without_end is not None
    assert len(tokens(case).without_end.labels) == len(tokens(case).labels)
