"""Stress test `quantize`: the protocol on the checkpoint with rounded weights.

Unlearning may move weights by less than a quantisation step, so that rounding takes it back (Zhang
et al. 2024, arXiv 2410.16454).
"""

from __future__ import annotations

from unlearnbench.attacks.stress.asking import ask_changed
from unlearnbench.attacks.stress.base import Subject
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
        runs = zip(QUANTISED, plan_quantize(subject.inputs), strict=True)
        return [self._quantised(kind, planned, subject) for kind, planned in runs]

    def _quantised(self, kind: str, planned: PlannedRun, subject: Subject) -> Finding:
        def make() -> ModelEngine:
            model, tokenizer = subject.load()
            quantise_model(model, kind, model.get_output_embeddings())
            digest = sha256_json([subject.checkpoint.fingerprint, kind])
            changed = subject.checkpoint.with_weights(digest)
            return ModelEngine(changed, model, tokenizer, subject.options)

        return ask_changed(planned, subject, {"weights": kind}, make)
