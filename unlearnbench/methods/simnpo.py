"""SimNPO: negative preference optimisation without a reference, per token.

L = −(2/β) · mean ln σ(−(β/|y|) · ln π_θ(y|x) − γ) over forget rows (Fan et al. 2024, arXiv
2410.07163, eq. 4), with a retain term. The authors' values for forgetting a tenth of TOFU: β 4.5,
γ 0, forget weight 0.125.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch.nn import functional

from unlearnbench.methods.terms import RetainTerm, check_retain, retain_term
from unlearnbench.training.batch import Batch
from unlearnbench.training.method import LossTerms, Method
from unlearnbench.training.passes import Model


@dataclass(frozen=True, slots=True)
class SimNPOParameters:
    """`beta`: the inverse temperature; `gamma`: the margin. `retain`: `nll`, `kl` or `none`."""

    beta: float = 4.5
    gamma: float = 0.0
    retain: RetainTerm = "nll"


class SimNPO(Method[SimNPOParameters]):
    """Reference-free negative preference optimisation."""

    name = "simnpo"
    Parameters = SimNPOParameters
    settings = {"lr": 1e-5, "lambda_f": 0.125, "lambda_r": 1.0}

    def __init__(self, parameters: SimNPOParameters) -> None:
        super().__init__(parameters)
        check_retain(parameters.retain)
        if parameters.retain == "kl":
            self.compares = frozenset({"retain"})

    def loss(self, student: Model, reference: Model, batch: Batch) -> LossTerms:
        """Log-likelihoods are means over each row's answer tokens."""
        forget, kept = student(batch.forget, batch.retain)
        mean = forget.by_row(forget.log_probs()) / forget.lengths()
        beta, gamma = self.parameters.beta, self.parameters.gamma
        loss = -2 / beta * functional.logsigmoid(-beta * mean - gamma).mean()
        before = reference(batch.retain)[0] if "retain" in self.compares else None
        return LossTerms(loss, retain_term(self.parameters.retain, kept, before))
