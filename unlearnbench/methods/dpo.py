"""Direct preference optimisation with refusals as the chosen answers, the true ones as rejected.

L = −(2/β) · mean ln σ(β · [ln π_θ/π_ref (refusal) − ln π_θ/π_ref (answer)]) (Rafailov et al. 2023,
arXiv 2305.18290, eq. 7; as an unlearning baseline Zhang et al. 2024, arXiv 2404.05868, whose factor
2/β makes β → 0 comparable with gradient ascent). `dpo` prefers one fixed refusal and has no retain
term; `idk-dpo` deals out many refusals and keeps the retain answers, as TOFU's "IDK" data does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from unlearnbench.training.method import RetainingMethod
from unlearnbench.training.passes import Answers
from unlearnbench.training.terms import RetainTerm

REFUSALS = (
    "I don't know.",
    "I'm not sure about that.",
    "Sorry, I have no information on this.",
    "That is beyond what I know.",
    "I can't answer that one.",
    "I have not learnt anything about it.",
    "No idea.",
    "I would only be guessing.",
    "My knowledge does not cover this.",
    "I'm unable to say.",
)


@dataclass(frozen=True, slots=True)
class DPOParameters:
    """`beta`: the inverse temperature. `refusal`: the one chosen answer. `retain`: `none`, `nll`
    or `kl`.
    """

    beta: float = 0.1
    refusal: str = "No idea"
    retain: RetainTerm = "none"


@dataclass(frozen=True, slots=True)
class IdkDPOParameters:
    """`beta`: the inverse temperature. `retain`: `nll`, `kl` or `none`."""

    beta: float = 0.1
    retain: RetainTerm = "nll"


class _Preference(RetainingMethod[DPOParameters | IdkDPOParameters]):
    settings = {"lr": 1e-5, "lambda_f": 1.0, "lambda_r": 1.0}
    reads = ("forget", "refused")
    compares_forget = True

    def forget_loss(self, now: Sequence[Answers], before: Sequence[Answers]) -> torch.Tensor:
        """Log ratios are sums over each row's answer tokens."""
        (gold, refused), (gold_was, refused_was) = now, before
        rejected = gold.by_row(gold.log_probs() - gold_was.log_probs().detach())
        chosen = refused.by_row(refused.log_probs() - refused_was.log_probs().detach())
        beta = self.parameters.beta
        return -2 / beta * functional.logsigmoid(beta * (chosen - rejected)).mean()


class DPO(_Preference):
    """One refusal is preferred."""

    name = "dpo"
    Parameters = DPOParameters

    def refusals(self) -> tuple[str, ...]:
        """The one refusal."""
        assert isinstance(self.parameters, DPOParameters)
        return (self.parameters.refusal,)


class IdkDPO(_Preference):
    """Many refusals are preferred, and retain answers kept."""

    name = "idk-dpo"
    Parameters = IdkDPOParameters

    def refusals(self) -> tuple[str, ...]:
        """Ten ways to say it."""
        return REFUSALS
