"""JensUn's ablation: Kullback-Leibler divergences in place of the Jensen-Shannon ones.

L = λ_F · KL(one-hot refusal ‖ p_θ) + λ_R · KL(p_ref ‖ p_θ) (arXiv 2509.02820, ablation of the
divergence). The first is the refusal's negative log-likelihood: its gradient does not vanish where
the refusal is unlikely, and neither term is bounded.
"""

from __future__ import annotations

from dataclasses import dataclass

from unlearnbench.training.batch import Batch
from unlearnbench.training.method import LossTerms, Method
from unlearnbench.training.passes import Model
from unlearnbench.training.terms import kl_from, nll


@dataclass(frozen=True, slots=True)
class KLRefusalParameters:
    """`refusal`: what forget answers become."""

    refusal: str = "No idea"


class KLRefusal(Method[KLRefusalParameters]):
    """Refusal training with KL divergences."""

    name = "kl-refusal"
    Parameters = KLRefusalParameters
    sides = frozenset({"refused", "retain"})
    compares = frozenset({"retain"})

    def refusals(self) -> tuple[str, ...]:
        """The one refusal."""
        return (self.parameters.refusal,)

    def loss(self, student: Model, reference: Model, batch: Batch) -> LossTerms:
        """One pass over both sides."""
        refused, retained = student(batch.refused, batch.retain)
        (before,) = reference(batch.retain)
        return LossTerms(nll(refused), kl_from(before, retained))
