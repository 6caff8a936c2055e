"""Gradient difference: ascent on forget answers, descent on retain answers.

L = λ_F · mean ln p(forget) + λ_R · retain, where retain is −mean ln p (Liu et al. 2022, arXiv
2203.12817; TOFU, arXiv 2401.06121, section 4.1) or KL(p_ref ‖ p_θ) (TOFU's "KL minimisation"),
a mean over answer tokens; open-unlearning's KL averages over prompt and padding too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from unlearnbench.training.method import RetainingMethod
from unlearnbench.training.passes import Answers
from unlearnbench.training.terms import RetainTerm, nll


@dataclass(frozen=True, slots=True)
class GradDiffParameters:
    """`retain`: `nll`, or `kl` towards the reference."""

    retain: RetainTerm = "nll"


class GradDiff(RetainingMethod[GradDiffParameters]):
    """Gradient difference."""

    name = "grad-diff"
    Parameters = GradDiffParameters
    settings = {"lr": 1e-5, "lambda_f": 1.0, "lambda_r": 1.0}

    def forget_loss(self, now: Sequence[Answers], before: Sequence[Answers]) -> torch.Tensor:
        """The likelihood that ordinary training would raise, lowered."""
        return -nll(now[0])
