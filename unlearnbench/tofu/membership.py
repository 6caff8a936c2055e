"""Membership inference: whether a model reveals that a text was in its training data.

Every attack gives a text a score that is higher for likelier members.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from unlearnbench.engines.tokens import AnswerTokens, Floats
from unlearnbench.environment import extra


def loss_score(answer: AnswerTokens) -> float:
    """Negative mean loss, in nats a token (Yeom et al., 2018)."""
    return -answer.loss


def zlib_score(answer: AnswerTokens, text: str) -> float:
    """Negative mean loss over the text's compressed size in bytes (Carlini et al., 2021)."""
    return -answer.loss / len(zlib.compress(text.encode("utf-8")))


def min_k_score(answer: AnswerTokens, share: float = 0.4) -> float:
    """Mean of the lowest `share` of the token log-probabilities (Min-K%, Shi et al., 2024)."""
    return _mean_of_lowest(answer.logprobs, share)


def min_k_plus_plus_score(answer: AnswerTokens, share: float = 0.4) -> float:
    """Mean of the lowest `share` of (ln p - mean) / std (Min-K%++, Zhang et al., 2024).

    Mean and standard deviation are those of ln p over the vocabulary at each position; where the
    model is certain (std 0) the token is neither likely nor unlikely and counts as 0.
    """
    safe = np.where(answer.std > 0, answer.std, 1.0)
    standard = np.where(answer.std > 0, (answer.logprobs - answer.mean) / safe, 0.0)
    return _mean_of_lowest(standard, share)


def _mean_of_lowest(values: Floats, share: float) -> float:
    if not len(values):
        raise ValueError("an answer without tokens has no score")
    if not 0 < share <= 1:
        raise ValueError(f"share {share} must be above 0 and at most 1")
    many = max(1, int(len(values) * share))
    return float(np.sort(values)[:many].mean())


def auc(members: Sequence[float], others: Sequence[float]) -> float:
    """Area under the ROC curve of scores: P(member's score > other's), ties half, 0 to 1.

    Raises `ValueError` if either side is empty.
    """
    if not members or not others:
        raise ValueError("an AUC needs members and non-members")
    labels = [1] * len(members) + [0] * len(others)
    roc_auc_score = extra("sklearn.metrics", "tofu").roc_auc_score
    return float(roc_auc_score(labels, [*members, *others]))


def privleak(unlearnt_auc: float, retrained_auc: float) -> float:
    """PrivLeak in percent: 100 (AUC_unlearnt - AUC_retrained) / AUC_retrained (MUSE, section 3.1).

    The AUC separates non-members (holdout) from members (forget) by loss: 1 - `auc(forget,
    holdout)` of `loss_score` or Min-K%. 0 is ideal; far above says over-forgotten, far below
    under-forgotten. Raises `ValueError` if the retrained AUC is 0.
    """
    if retrained_auc == 0:
        raise ValueError("PrivLeak is not defined where the retrained model's AUC is 0")
    return 100.0 * (unlearnt_auc - retrained_auc) / retrained_auc
