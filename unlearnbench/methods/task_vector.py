"""Task-vector negation: learn the forget facts all the better, then walk the other way.

θ = θ_0 − α · (θ_ft − θ_0), θ_ft fine-tuned on the forget answers (Ilharco et al. 2023, arXiv
2212.04089, section 3). No unlearning loss is trained; the loss here is the fine-tuning's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from unlearnbench.training.batch import Batch
from unlearnbench.training.method import LossTerms, Method
from unlearnbench.training.passes import Model
from unlearnbench.training.terms import nll


@dataclass(frozen=True, slots=True)
class TaskVectorParameters:
    """`alpha`: how far to walk; the authors choose it on held-out data, from 0 to 1."""

    alpha: float = 1.0


class TaskVector(Method[TaskVectorParameters]):
    """Negation of what fine-tuning on the forget facts changes."""

    name = "task-vector"
    Parameters = TaskVectorParameters
    settings = {"lr": 1e-5, "lambda_f": 1.0, "lambda_r": 0.0, "stop_loss": 0.05}
    sides = frozenset({"forget"})

    def loss(self, student: Model, reference: Model, batch: Batch) -> LossTerms:
        """Likelihood of the true answers."""
        (forget,) = student(batch.forget)
        return LossTerms(nll(forget))

    def finish(self, model: nn.Module, initial: Mapping[str, torch.Tensor]) -> None:
        """Negate. An adapter starts as zero, so negating one of its two factors negates it."""
        alpha = self.parameters.alpha
        for name, parameter in model.named_parameters():
            if name not in initial or "lora_A" in name:
                continue
            if "lora_B" in name:
                parameter.mul_(-alpha)
            else:
                before = initial[name]
                parameter.copy_(before - alpha * (parameter - before))
