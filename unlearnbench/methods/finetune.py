"""Implant knowledge: maximum likelihood of the true answers, forget and retain alike.

L = −mean ln p(answer | question) over the rows of a step. An epoch shows every question and
training paraphrase of all facts, each as often as its fact's `frequency`. TOFU (arXiv 2401.06121,
section 3.1) makes its target models so: AdamW, lr 1e-5, weight decay 0.01, 5 epochs. Here training
also stops once an epoch's mean loss is below `stop_loss`, so that a small set is not driven to
certainty.
"""

from __future__ import annotations

from dataclasses import dataclass

from unlearnbench.training.batch import Batch
from unlearnbench.training.method import LossTerms, Method
from unlearnbench.training.passes import Model
from unlearnbench.training.terms import nll


@dataclass(frozen=True, slots=True)
class FinetuneParameters:
    """None: what there is to set is the trainer's."""


class Finetune(Method[FinetuneParameters]):
    """Plain supervised fine-tuning on all of a benchmark's facts."""

    name = "finetune"
    Parameters = FinetuneParameters
    settings = {"lr": 1e-5, "lambda_f": 1.0, "lambda_r": 0.0, "stop_loss": 0.1}
    sides = frozenset({"forget"})
    implants = True

    def loss(self, student: Model, reference: Model, batch: Batch) -> LossTerms:
        """All rows are learnt alike."""
        (learnt,) = student(batch.forget)
        return LossTerms(nll(learnt))
