"""Probability and truth ratio (TOFU, section 2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from unlearnbench.errors import BenchmarkError

Mean = Literal["geometric", "arithmetic"]
"""How a truth ratio averages the probabilities of wrong answers."""


def chosen_mean(name: str) -> Mean:
    """The mean of that name. Raises `BenchmarkError` if there is none."""
    means: tuple[Mean, ...] = get_args(Mean)
    for mean in means:
        if mean == name:
            return mean
    raise BenchmarkError("unknown-mean", f"--truth-ratio {name}", " or ".join(means))


def probability(loss: float) -> float:
    """P(a|q)^(1/|a|) = exp(-loss): the answer's probability normalised for its length, 0 to 1."""
    return float(np.exp(-loss))


def choice_probability(right_loss: float, wrong_losses: Sequence[float]) -> float:
    """Share of the right answer among all choices: p_right / (p_right + sum of p_wrong).

    TOFU uses it for real authors and world facts; each p is `probability`.
    """
    right = probability(right_loss)
    return right / (right + sum(probability(loss) for loss in wrong_losses))


def truth_ratio(
    right_loss: float, wrong_losses: Sequence[float], mean: Mean = "geometric"
) -> float:
    """r = mean probability of wrong answers / that of the right one; below 1 the right one wins.

    `right_loss` is that of the paraphrased right answer, `wrong_losses` those of the perturbed
    ones. The geometric mean, exp(-mean of losses), is what TOFU's code for its leaderboard and
    OpenUnlearning compute; the arithmetic one is TOFU's equation 1 and its older code. The
    arithmetic one is never smaller. Raises `ValueError` without wrong answers.
    """
    if not wrong_losses:
        raise ValueError("a truth ratio needs at least one wrong answer")
    if mean == "geometric":
        return float(np.exp(right_loss - np.mean(wrong_losses)))
    return float(np.exp(right_loss - np.asarray(wrong_losses)).mean())


def truth_score(ratios: Sequence[float], split: Literal["forget", "other"]) -> float:
    """The truth ratios of a split as one number, 0 to 1.

    forget: mean of min(r, 1/r), which is 1 where right and wrong are equally likely; elsewhere:
    mean of max(0, 1 - r), which is 1 where the right answer is certain.
    """
    r = np.asarray(ratios, dtype=np.float64)
    if split == "other":
        return float(np.maximum(0.0, 1.0 - r).mean())
    with np.errstate(divide="ignore"):
        return float(np.minimum(r, 1.0 / r).mean())
