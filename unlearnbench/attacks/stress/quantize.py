"""Stress test `quantize`: the protocol on the checkpoint with rounded weights.

Unlearning may move weights by less than a quantisation step, so that rounding takes it back (Zhang
et al. 2024, arXiv 2410.16454).
"""

from __future__ import annotations

from functools import partial

from unlearnbench.attacks.stress.asking import ask_changed, ask_each
from unlearnbench.attacks.stress.base import Loadable, Subject
from unlearnbench.attacks.stress.findings import Finding
from unlearnbench.attacks.stress.planned import PlannedRun
from unlearnbench.attacks.stress.quantizers import INT4_GROUP, NF4_BLOCK, quantise_model
from unlearnbench.attacks.stress.variants import QUANTISED, plan_quantize
from unlearnbench.engines.transformers.engine import ModelEngine
from unlearnbench.hashing import sha256_json


class Quantize:
    """int8, int4 and nf4, each a variant of its own."""

    name = "quantize"
    summary = f"weights as int8, int4 (groups of {INT4_GROUP}) and nf4 (blocks of {NF4_BLOCK})"
    needs_base = False
    needs_weights = True

    def run(self, subject: Subject) -> list[Finding]:
        """See `StressTest`."""
        runs = list(zip(QUANTISED, plan_quantize(subject.inputs), strict=True))

        def ask(run: tuple[str, PlannedRun]) -> Finding:
            kind, planned = run
            return ask_changed(planned, subject, {"weights": kind}, partial(quantised, kind))

        return list(ask_each(ask, runs, subject))


def quantised(kind: str, models: Loadable) -> ModelEngine:
    """The checkpoint with its weights rounded."""
    model, tokenizer = models.load()
    quantise_model(model, kind, model.get_output_embeddings())
    changed = models.checkpoint.with_weights(sha256_json([models.checkpoint.fingerprint, kind]))
    return ModelEngine(changed, model, tokenizer, models.options)
