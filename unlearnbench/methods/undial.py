"""UNDIAL: self-distillation towards the model's own distribution with the true token pushed down.

L = KL(softmax(z_ref − β · one-hot answer) ‖ p_θ), a mean over forget answer tokens, the target
fixed before training (Dong et al. 2024, arXiv 2402.10052, section 3). The target is bounded, so
the model does not fall apart; a retain term is optional. β 10 and lr 1e-4 are open-unlearning's;
the authors take 3 to 5 and smaller rates for models of 125M to 1.3B parameters. open-unlearning
averages a cross-entropy over prompt and padding too (docs/PARITY.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from unlearnbench.training.method import RetainingMethod
from unlearnbench.training.passes import Answers
from unlearnbench.training.terms import RetainTerm


@dataclass(frozen=True, slots=True)
class UndialParameters:
    """`beta`: how far the true token's logit is lowered. `retain`: `none`, `nll` or `kl`."""

    beta: float = 10.0
    retain: RetainTerm = "none"


class Undial(RetainingMethod[UndialParameters]):
    """Self-distillation with adjusted logits."""

    name = "undial"
    Parameters = UndialParameters
    settings = {"lr": 1e-4, "lambda_f": 1.0, "lambda_r": 1.0}

    compares_forget = True

    def forget_loss(self, now: Sequence[Answers], before: Sequence[Answers]) -> torch.Tensor:
        """The target comes from the reference's stored states."""
        (forget,), (was,) = now, before
        lowered = was.logits().detach().clone()
        lowered[torch.arange(len(lowered)), was.labels] -= self.parameters.beta
        log_q = torch.log_softmax(lowered, -1)
        log_p = torch.log_softmax(forget.logits(), -1)
        return (log_q.exp() * (log_q - log_p)).sum(-1).mean()
