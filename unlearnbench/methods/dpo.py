"""Direct preference optimisation with refusals as the chosen answers, the true ones as rejected.

L = −(2/β) · mean ln σ(β · [ln π_θ/π_ref (refusal) − ln π_θ/π_ref (answer)]) (Rafailov et al. 2023,
arXiv 2305.18290, eq. 7; as an unlearning baseline Zhang et al. 2024, arXiv 2404.05868, whose factor
2/β makes β → 0 comparable with gradient ascent). `dpo` prefers one fixed refusal and has no retain
term; `idk-dpo` deals out many refusals and keeps the retain answers, as TOFU's "IDK" data does.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch.nn import functional

from unlearnbench.methods.terms import RetainTerm, check_retain, retain_term
from unlearnbench.training.batch import Batch
from unlearnbench.training.method import LossTerms, Method
from unlearnbench.training.passes import Model

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


class _Preference(Method[DPOParameters | IdkDPOParameters]):
    settings = {"lr": 1e-5, "lambda_f": 1.0, "lambda_r": 1.0}
    sides = frozenset({"forget", "refused", "retain"})

    def __init__(self, parameters: DPOParameters | IdkDPOParameters) -> None:
        super().__init__(parameters)
        check_retain(parameters.retain)
        kl = parameters.retain == "kl"
        self.compares = frozenset({"forget", "refused", "retain"} if kl else {"forget", "refused"})

    def loss(self, student: Model, reference: Model, batch: Batch) -> LossTerms:
        """Log ratios are sums over each row's answer tokens."""
        gold, refused, kept = student(batch.forget, batch.refused, batch.retain)
        gold_was, refused_was = reference(batch.forget, batch.refused)
        rejected = gold.by_row(gold.log_probs() - gold_was.log_probs().detach())
        chosen = refused.by_row(refused.log_probs() - refused_was.log_probs().detach())
        beta = self.parameters.beta
        loss = -2 / beta * functional.logsigmoid(beta * (chosen - rejected)).mean()
        before = reference(batch.retain)[0] if "retain" in self.compares else None
        return LossTerms(loss, retain_term(self.parameters.retain, kept, before))


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
