"""JensUn: forget answers towards a refusal, retain answers towards the frozen reference.

Unlearning That Lasts (arXiv 2509.02820):
L = λ_F · JSD(p_θ ‖ one-hot refusal) + λ_R · JSD(p_θ ‖ p_ref), each a mean over answer tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import nn
from torch.nn import functional
from transformers import PreTrainedTokenizerBase

from unlearnbench.errors import TrainingError
from unlearnbench.methods.jensun.kernels import forget_and_retain, jsd
from unlearnbench.training.batch import Batch
from unlearnbench.training.method import LossTerms, Method
from unlearnbench.training.passes import Answers, Model

Layout = Literal["gold-slots", "refusal", "both", "authors"]

_STALLED = 1e-4
"""A refusal token less likely than this has a gradient some thousand times below its largest."""
_PATIENCE = 20


@dataclass(frozen=True, slots=True)
class JensUnParameters:
    """`refusal` is what forget answers become, as the model's own tokenizer writes it.

    `layout`: `gold-slots` lays the refusal's tokens cyclically over the places of the true
    answer, which stays the context; `authors` does so over the end of the turn too, as the authors'
    code does since March 2026; `refusal` trains the refusal and the end of the turn as the answer
    itself; `both` is the mean of `gold-slots` and `refusal`. `warmup_kl_steps`: for so many steps
    the forget loss is KL(one-hot ‖ p) = −ln p, whose gradient does not vanish where p is near 0.
    """

    refusal: str = "No idea"
    layout: Layout = "refusal"
    warmup_kl_steps: int = 0


class JensUn(Method[JensUnParameters]):
    """Jensen-Shannon unlearning."""

    name = "jensun"
    Parameters = JensUnParameters
    compares = frozenset({"retain"})

    def __init__(self, parameters: JensUnParameters) -> None:
        super().__init__(parameters)
        self._tokens: torch.Tensor | None = None
        self._low = 0
        if parameters.layout not in get_args(Layout):
            raise TrainingError(f"layout {parameters.layout!r}: {', '.join(get_args(Layout))}")
        self._slots = parameters.layout in ("gold-slots", "both", "authors")
        self._whole = parameters.layout in ("refusal", "both")
        sides = {"retain"} | ({"forget"} if self._slots else set())
        self.sides = frozenset(sides | ({"refused"} if self._whole else set()))  # type: ignore[arg-type]

    def prepare(self, model: nn.Module, tokenizer: PreTrainedTokenizerBase) -> None:
        """Tokenise the refusal."""
        ids = tokenizer(self.parameters.refusal, add_special_tokens=False).input_ids
        if not ids:
            raise TrainingError(
                f"refusal {self.parameters.refusal!r} has no token in this model's tokenizer; "
                "set another: --set refusal='No idea'"
            )
        self._tokens = torch.tensor(ids)

    def refusals(self) -> tuple[str, ...]:
        """The one refusal."""
        return (self.parameters.refusal,)

    def loss(self, student: Model, reference: Model, batch: Batch) -> LossTerms:
        """One pass over forget and retain rows; the reference's states are read from memory."""
        gold, refused, retained = student(
            batch.forget if self._slots else (),
            batch.refused if self._whole else (),
            batch.retain,
        )
        (before,) = reference(batch.retain)
        sides = self._targets(gold, refused)
        if batch.step < self.parameters.warmup_kl_steps:
            each = [_kl(*side) for side in sides]
            forget = torch.stack([loss for loss, _ in each]).mean()
            likely = torch.cat([log_p for _, log_p in each])
            retain = jsd(retained.hidden, retained.head, before.hidden, before.head)
        else:
            weights = [valid / valid.sum().clamp_min(1) / len(sides) for _, _, valid in sides]
            forget, retain = forget_and_retain(
                torch.cat([*(answers.hidden for answers, _, _ in sides), retained.hidden]),
                retained.head,
                torch.cat([targets for _, targets, _ in sides]),
                torch.cat(weights),
                before.hidden,
                before.head,
            )
            likely = torch.cat([_first_log_p(answers, targets) for answers, targets, _ in sides])
        return LossTerms(forget, retain, {"p_refusal": float(likely.mean().exp())})

    def _targets(
        self, gold: Answers, refused: Answers
    ) -> list[tuple[Answers, torch.Tensor, torch.Tensor]]:
        """Answers with the token each is driven to, and which of them count."""
        groups = []
        if self._slots:
            assert self._tokens is not None
            tokens = self._tokens.to(gold.slot.device)
            # The end of the turn is no part of the answer, unless there is nothing else.
            valid = ~gold.last | (gold.slot == 0) | (self.parameters.layout == "authors")
            groups.append((gold, tokens[gold.slot % len(tokens)], valid))
        if self._whole:
            groups.append((refused, refused.labels, torch.ones_like(refused.last)))
        return groups

    def warning(self, step: int, seen: Mapping[str, float]) -> str | None:
        """Say so once the refusal has been too unlikely for too long to be learnt."""
        low = seen.get("p_refusal", 1.0) < _STALLED
        self._low = self._low + 1 if low else 0
        if self._low != _PATIENCE:
            return None
        return (
            f"stalled: for {_PATIENCE} steps the refusal's first token had p = "
            f"{seen['p_refusal']:.1e}, where the Jensen-Shannon loss has next to no gradient; "
            "--set warmup_kl_steps=20 starts with a loss that has one"
        )


def _kl(
    answers: Answers, targets: torch.Tensor, valid: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean −ln p of the targets, and ln p of each row's first."""
    each = functional.cross_entropy(answers.logits(), targets, reduction="none")
    first = -each.detach()[answers.slot == 0]
    return (each * valid).sum() / valid.sum().clamp_min(1), first


@torch.no_grad()
def _first_log_p(answers: Answers, targets: torch.Tensor) -> torch.Tensor:
    """ln p of the first target of each row."""
    first = answers.slot == 0
    logits = answers.head(answers.hidden[first])
    picked = logits.gather(-1, targets[first][:, None]).squeeze(-1)
    return picked - logits.logsumexp(-1)
