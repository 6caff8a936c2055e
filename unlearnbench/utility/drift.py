"""How far a model's next-token distributions are from its base's, and how well it reads prose."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def kl_divergence(logp: Floats, logq: Floats) -> Floats:
    """KL(p ‖ q) at each token, in nats: Σ_v p_v (ln p_v - ln q_v).

    Both have shape (T, V), ln-probabilities over the same vocabulary; the result has shape (T,).
    What p never says weighs nothing; what only q never says makes it infinite. (Kullback and
    Leibler 1951.)
    """
    p = np.exp(logp)
    with np.errstate(invalid="ignore"):
        terms = np.where(p > 0, p * (logp - logq), 0.0)
    return np.asarray(np.maximum(terms.sum(axis=-1), 0.0))


def js_divergence(logp: Floats, logq: Floats) -> Floats:
    """JSD(p ‖ q) at each token, in nats: ½ KL(p ‖ m) + ½ KL(q ‖ m), where m = ½ (p + q).

    Shapes as in `kl_divergence`. From 0 to ln 2. (Lin 1991.)
    """
    middle = np.logaddexp(logp, logq) - math.log(2)
    return (kl_divergence(logp, middle) + kl_divergence(logq, middle)) / 2


def perplexity(logprobs: Floats) -> float:
    """exp(-(1/T) Σ_t ln p(token t | tokens before t)) over the T tokens of a text.

    Comparable between models of the same tokenizer alone. (Jelinek et al. 1977.) Raises
    `ValueError` without tokens.
    """
    if not len(logprobs):
        raise ValueError("a text without tokens has no perplexity")
    return float(np.exp(-logprobs.mean()))


def bits_per_byte(logprobs: Floats, text: str) -> float:
    """-Σ_t log₂ p(token t) / the text's bytes in UTF-8: comparable between tokenizers.

    Raises `ValueError` for an empty text.
    """
    size = len(text.encode())
    if not size:
        raise ValueError("an empty text has no bytes")
    return float(-logprobs.sum() / math.log(2) / size)
