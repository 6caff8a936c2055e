"""TOFU's summaries against tofu bdc209e and open-unlearning d3d7cf9, on random numbers."""

from __future__ import annotations

from statistics import fmean

import pytest

from tests.parity.values import stored
from unlearnbench.tofu.likelihood import (
    Mean,
    choice_probability,
    probability,
    truth_ratio,
    truth_score,
)
from unlearnbench.tofu.membership import privleak
from unlearnbench.tofu.rouge import rouge_l_recall
from unlearnbench.tofu.summary import forget_quality, model_utility

TABLES = {
    "Real Authors": "eval_real_author_wo_options.json",
    "Real World": "eval_real_world_wo_options.json",
    "Retain": "eval_log.json",
    "Forget": "eval_log_forget.json",
}
CHOICES = ("Real Authors", "Real World")
VALUES = stored("summaries")["values"]


def column(name: str, key: str) -> list[float]:
    """One figure of every question of a set."""
    return list(stored("summaries")["tofu_table"][TABLES[name]][key].values())


def ratios(name: str, mean: Mean) -> list[float]:
    right, wrong = column(name, "avg_paraphrased_loss"), column(name, "average_perturb_loss")
    return [truth_ratio(r, w, mean) for r, w in zip(right, wrong, strict=True)]  # type: ignore[arg-type]


def score(name: str, mean: Mean) -> float:
    return truth_score(ratios(name, mean), "forget" if name == "Forget" else "other")


def probabilities(name: str) -> float:
    right, wrong = column(name, "avg_gt_loss"), column(name, "average_perturb_loss")
    if name not in CHOICES:
        return fmean(map(probability, right))
    return fmean(choice_probability(r, w) for r, w in zip(right, wrong, strict=True))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", TABLES)
def test_tofus_probability_and_both_truth_ratios(name: str) -> None:
    assert probabilities(name) == pytest.approx(VALUES[f"TOFU aggregate Prob. {name}"])
    released = VALUES[f"TOFU aggregate Truth Ratio {name}"]
    assert score(name, "geometric") == pytest.approx(released)
    older = VALUES[f"TOFU utils.py (arithmetic) Truth Ratio {name}"]
    assert score(name, "arithmetic") == pytest.approx(older)
    assert released != pytest.approx(older, rel=0.05)


@pytest.mark.parametrize(
    ("mean", "key"),
    [
        ("geometric", "TOFU aggregate Model Utility"),
        ("arithmetic", "TOFU utils.py Model Utility"),
    ],
)
def test_tofus_model_utility(mean: Mean, key: str) -> None:
    nine = [
        value
        for name in ("Retain", *CHOICES)
        for value in (probabilities(name), fmean(column(name, "rougeL_recall")), score(name, mean))
    ]
    assert model_utility(nine) == pytest.approx(VALUES[key])


def test_open_unlearnings_summaries() -> None:
    given = stored("summaries")
    a, b = (given["truth_ratios"][name] for name in "ab")
    assert forget_quality(a, b) == pytest.approx(VALUES["forget_quality"])
    assert model_utility(given["nine"]) == pytest.approx(VALUES["model_utility"])
    assert model_utility([*given["nine"][1:], 0.0]) == VALUES["model_utility, one zero"]


@pytest.mark.parametrize(
    ("mine", "retain"), [(0.7, 0.55), (0.5, 0.5), (0.98, 0.4)], ids=["far", "even", "farther"]
)
def test_privleak_from_the_attacks_aucs(mine: float, retain: float) -> None:
    """Ours takes the AUC of non-members against members, theirs of members against non-members."""
    theirs = VALUES[f"privleak {mine}/{retain}"]
    assert privleak(1 - mine, 1 - retain) == pytest.approx(theirs, rel=1e-6)


def test_privleak_without_a_base_is_refused_where_theirs_is_huge() -> None:
    assert VALUES["privleak 0.6/1.0"] > 1e11
    with pytest.raises(ValueError, match="not defined"):
        privleak(1 - 0.6, 1 - 1.0)


def test_rouge_recall_of_generated_answers() -> None:
    for row in stored("summaries")["rouge"]:
        assert rouge_l_recall(row["answer"], row["generation_theirs"]) == row["theirs"]
