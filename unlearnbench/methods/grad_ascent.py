"""Gradient ascent: make the true answers unlikely, and nothing else.

L = +mean ln p(answer | question) (Jang et al. 2023, arXiv 2210.01504, eq. 1). Unbounded below, so
the model breaks if it goes on; kept as the baseline that shows it.
"""

from __future__ import annotations

from dataclasses import dataclass

from unlearnbench.training.batch import Batch
from unlearnbench.training.method import LossTerms, Method
from unlearnbench.training.passes import Model
from unlearnbench.training.terms import nll


@dataclass(frozen=True, slots=True)
class GradAscentParameters:
    """None."""


class GradAscent(Method[GradAscentParameters]):
    """Negative likelihood of the forget answers."""

    name = "grad-ascent"
    Parameters = GradAscentParameters
    settings = {"lr": 1e-5, "lambda_f": 1.0, "lambda_r": 0.0}
    sides = frozenset({"forget"})

    def loss(self, student: Model, reference: Model, batch: Batch) -> LossTerms:
        """The likelihood that ordinary training would raise, lowered."""
        (forget,) = student(batch.forget)
        return LossTerms(-nll(forget))
