"""UNDIAL: self-distillation towards the model's own distribution with the true token pushed down.

L = KL(softmax(z_ref − β · one-hot answer) ‖ p_θ), a mean over forget answer tokens, the target
fixed before training (Dong et al. 2024, arXiv 2402.10052, section 3). The target is bounded, so
the model does not fall apart; a retain term is optional. β 10 and lr 1e-4 are open-unlearning's;
the authors take 3 to 5 and smaller rates for models of 125M to 1.3B parameters.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from unlearnbench.methods.terms import RetainTerm, check_retain, retain_term
from unlearnbench.training.batch import Batch
from unlearnbench.training.method import LossTerms, Method
from unlearnbench.training.passes import Model


@dataclass(frozen=True, slots=True)
class UndialParameters:
    """`beta`: how far the true token's logit is lowered. `retain`: `none`, `nll` or `kl`."""

    beta: float = 10.0
    retain: RetainTerm = "none"


class Undial(Method[UndialParameters]):
    """Self-distillation with adjusted logits."""

    name = "undial"
    Parameters = UndialParameters
    settings = {"lr": 1e-4, "lambda_f": 1.0, "lambda_r": 1.0}

    def __init__(self, parameters: UndialParameters) -> None:
        super().__init__(parameters)
        check_retain(parameters.retain)
        kl = parameters.retain == "kl"
        self.compares = frozenset({"forget", "retain"} if kl else {"forget"})

    def loss(self, student: Model, reference: Model, batch: Batch) -> LossTerms:
        """The target comes from the reference's stored states."""
        forget, kept = student(batch.forget, batch.retain)
        (was,) = reference(batch.forget)
        lowered = was.logits().detach().clone()
        lowered[torch.arange(len(lowered)), was.labels] -= self.parameters.beta
        log_q = torch.log_softmax(lowered, -1)
        log_p = torch.log_softmax(forget.logits(), -1)
        loss = (log_q.exp() * (log_q - log_p)).sum(-1).mean()
        before = reference(batch.retain)[0] if "retain" in self.compares else None
        return LossTerms(loss, retain_term(self.parameters.retain, kept, before))
