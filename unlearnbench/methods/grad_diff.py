"""Gradient difference: ascent on forget answers, descent on retain answers.

L = λ_F · mean ln p(forget) + λ_R · retain, where retain is −mean ln p (Liu et al. 2022, arXiv
2203.12817; TOFU, arXiv 2401.06121, section 4.1) or KL(p_ref ‖ p_θ) (TOFU's "KL minimisation").
"""

from __future__ import annotations

from dataclasses import dataclass

from unlearnbench.methods.terms import RetainTerm, check_retain, nll, retain_term
from unlearnbench.training.batch import Batch
from unlearnbench.training.method import LossTerms, Method
from unlearnbench.training.passes import Model


@dataclass(frozen=True, slots=True)
class GradDiffParameters:
    """`retain`: `nll`, or `kl` towards the reference."""

    retain: RetainTerm = "nll"


class GradDiff(Method[GradDiffParameters]):
    """Gradient difference."""

    name = "grad-diff"
    Parameters = GradDiffParameters
    settings = {"lr": 1e-5, "lambda_f": 1.0, "lambda_r": 1.0}

    def __init__(self, parameters: GradDiffParameters) -> None:
        super().__init__(parameters)
        check_retain(parameters.retain)
        if parameters.retain == "kl":
            self.compares = frozenset({"retain"})

    def loss(self, student: Model, reference: Model, batch: Batch) -> LossTerms:
        """One pass over both sides."""
        forget, kept = student(batch.forget, batch.retain)
        before = reference(batch.retain)[0] if "retain" in self.compares else None
        return LossTerms(-nll(forget), retain_term(self.parameters.retain, kept, before))
