"""SimNPO: negative preference optimisation without a reference, per token.

L = −(2/β) · mean ln σ(−β · (ln π_θ(y|x) / |y| + δ) − γ) over forget rows (Fan et al. 2024, arXiv
2410.07163), with a retain term. The margin stands outside of β in their equation 4 (γ here) and
inside in their code, which calls it gamma, and in open-unlearning, which calls it delta (δ here):
γ = β · δ. The authors' values for forgetting a tenth of TOFU: β 4.5, no margin, forget weight
0.125.
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
class SimNPOParameters:
    """`beta`: the inverse temperature. `delta`: the margin as the authors' code has it, in nats a
    token; `gamma`: as their equation has it, β times as much. `retain`: `nll`, `kl` or `none`.
    """

    beta: float = 4.5
    gamma: float = 0.0
    delta: float = 0.0
    retain: RetainTerm = "nll"


class SimNPO(RetainingMethod[SimNPOParameters]):
    """Reference-free negative preference optimisation."""

    name = "simnpo"
    Parameters = SimNPOParameters
    settings = {"lr": 1e-5, "lambda_f": 0.125, "lambda_r": 1.0}

    def forget_loss(self, now: Sequence[Answers], before: Sequence[Answers]) -> torch.Tensor:
        """Log-likelihoods are means over each row's answer tokens."""
        (forget,) = now
        mean = forget.by_row(forget.log_probs()) / forget.lengths()
        beta, gamma = self.parameters.beta, self.parameters.gamma
        margin = beta * self.parameters.delta + gamma
        return -2 / beta * functional.logsigmoid(-beta * mean - margin).mean()
