"""JensUn's loss as its formula reads: dense, at every position. Ground truth for `kernels.py`."""

from __future__ import annotations

import torch
from torch.nn import functional


def jsd(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    """JSD(p ‖ q) = ½ KL(p ‖ m) + ½ KL(q ‖ m), m = ½(p + q), over the last dimension, in nats.

    `p`, `q`: probabilities `[…, V]`.
    """
    m = 0.5 * (p + q)
    left = torch.where(p > 0, p * (p.log() - m.log()), 0.0).sum(-1)
    right = torch.where(q > 0, q * (q.log() - m.log()), 0.0).sum(-1)
    return 0.5 * (left + right)


def forget_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean JSD to the one-hot targets.

    `logits` `[B, T, V]`; `targets` `[B, T]`, the token that each position is to predict, −100 where
    none is.
    """
    valid = targets != -100
    one_hot = functional.one_hot(targets.clamp_min(0), logits.shape[-1]).to(logits.dtype)
    each = jsd(logits.softmax(-1), one_hot)
    return (each * valid).sum() / valid.sum().clamp_min(1)


def retain_loss(logits: torch.Tensor, reference: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Mean JSD to the reference's distribution; logits `[B, T, V]`, `valid` `[B, T]` booleans."""
    each = jsd(logits.softmax(-1), reference.softmax(-1))
    return (each * valid).sum() / valid.sum().clamp_min(1)
