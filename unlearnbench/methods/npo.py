"""Negative preference optimisation: ascent that slows as an answer gets unlikelier than before.

L = −(2/β) · mean ln σ(−β · ln(π_θ(y|x) / π_ref(y|x))) over forget rows, π of the whole answer
(Zhang et al. 2024, arXiv 2404.05868, eq. 3), with a retain term ("NPO+RT" with nll, "NPO+KL" with
kl). β → 0 gives gradient ascent. The authors' values for TOFU: β 0.1, both weights 1, lr 1e-5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from unlearnbench.training.method import RetainingMethod
from unlearnbench.training.passes import Answers
from unlearnbench.training.terms import RetainTerm


@dataclass(frozen=True, slots=True)
class NPOParameters:
    """`beta`: the inverse temperature. `retain`: `nll`, `kl` or `none`."""

    beta: float = 0.1
    retain: RetainTerm = "nll"


class NPO(RetainingMethod[NPOParameters]):
    """Negative preference optimisation."""

    name = "npo"
    Parameters = NPOParameters
    settings = {"lr": 1e-5, "lambda_f": 1.0, "lambda_r": 1.0}

    compares_forget = True

    def forget_loss(self, now: Sequence[Answers], before: Sequence[Answers]) -> torch.Tensor:
        """Log ratios are sums over each row's answer tokens."""
        (forget,), (was,) = now, before
        ratio = forget.by_row(forget.log_probs() - was.log_probs().detach())
        beta = self.parameters.beta
        return -2 / beta * functional.logsigmoid(-beta * ratio).mean()
