"""Terms that several methods share, as means over answer tokens, in nats."""

from __future__ import annotations

from typing import Literal

import torch

from unlearnbench.errors import TrainingError
from unlearnbench.training.passes import Answers

RetainTerm = Literal["nll", "kl", "none"]
RETAIN_TERMS = ("nll", "kl", "none")


def nll(answers: Answers) -> torch.Tensor:
    """Mean negative log-likelihood of the labels."""
    return -answers.log_probs().mean()


def kl_from(before: Answers, now: Answers) -> torch.Tensor:
    """Mean KL(p_before ‖ p_now) over the whole vocabulary; no gradient reaches `before`."""
    log_q = torch.log_softmax(before.logits().detach(), -1)
    log_p = torch.log_softmax(now.logits(), -1)
    return (log_q.exp() * (log_q - log_p)).sum(-1).mean()


def retain_term(kind: RetainTerm, now: Answers, before: Answers | None) -> torch.Tensor | None:
    """The retain loss called `kind`; `kl` needs the reference's side too."""
    if kind == "none":
        return None
    if kind == "kl":
        assert before is not None
        return kl_from(before, now)
    return nll(now)


def check_retain(kind: str) -> None:
    """Raise `TrainingError` unless `kind` is a retain term."""
    if kind not in RETAIN_TERMS:
        raise TrainingError(f"retain {kind!r}: one of {', '.join(RETAIN_TERMS)}")
