"""Negative preference optimisation: ascent that slows as an answer gets unlikelier than before.

L = −(2/β) · mean ln σ(−β · ln(π_θ(y|x) / π_ref(y|x))) over forget rows, π of the whole answer
(Zhang et al. 2024, arXiv 2404.05868, eq. 3), with a retain term ("NPO+RT" with nll, "NPO+KL" with
kl). β → 0 gives gradient ascent. The authors' values for TOFU: β 0.1, both weights 1, lr 1e-5.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch.nn import functional

from unlearnbench.methods.terms import RetainTerm, check_retain, retain_term
from unlearnbench.training.batch import Batch
from unlearnbench.training.method import LossTerms, Method
from unlearnbench.training.passes import Model


@dataclass(frozen=True, slots=True)
class NPOParameters:
    """`beta`: the inverse temperature. `retain`: `nll`, `kl` or `none`."""

    beta: float = 0.1
    retain: RetainTerm = "nll"


class NPO(Method[NPOParameters]):
    """Negative preference optimisation."""

    name = "npo"
    Parameters = NPOParameters
    settings = {"lr": 1e-5, "lambda_f": 1.0, "lambda_r": 1.0}

    def __init__(self, parameters: NPOParameters) -> None:
        super().__init__(parameters)
        check_retain(parameters.retain)
        kl = parameters.retain == "kl"
        self.compares = frozenset({"forget", "retain"} if kl else {"forget"})

    def loss(self, student: Model, reference: Model, batch: Batch) -> LossTerms:
        """Log ratios are sums over each row's answer tokens."""
        forget, kept = student(batch.forget, batch.retain)
        (was,) = reference(batch.forget)
        ratio = forget.by_row(forget.log_probs() - was.log_probs().detach())
        beta = self.parameters.beta
        loss = -2 / beta * functional.logsigmoid(-beta * ratio).mean()
        before = reference(batch.retain)[0] if "retain" in self.compares else None
        return LossTerms(loss, retain_term(self.parameters.retain, kept, before))
