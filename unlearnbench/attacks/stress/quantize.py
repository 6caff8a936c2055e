"""Stress test `quantize`: the protocol on the checkpoint with rounded weights.

Unlearning may move weights by less than a quantisation step, so that rounding takes it back (Zhang
et al. 2024, arXiv 2410.16454).
"""

from __future__ import annotations

from dataclasses import replace

from unlearnbench.attacks.stress.base import Finding, Subject
from unlearnbench.attacks.stress.quantizers import INT4_GROUP, NF4_BLOCK, QUANTIZERS, quantise_model
from unlearnbench.attacks.stress.variant import ask_changed
from unlearnbench.engines.transformers.engine import ModelEngine
from unlearnbench.hashing import sha256_json


class Quantize:
    """int8, int4 and nf4, each a variant of its own."""

    name = "quantize"
    summary = f"weights as int8, int4 (groups of {INT4_GROUP}) and nf4 (blocks of {NF4_BLOCK})"
    needs_base = False

    def run(self, subject: Subject) -> list[Finding]:
        """See `StressTest`."""
        return [self._quantised(kind, subject) for kind in QUANTIZERS]

    def _quantised(self, kind: str, subject: Subject) -> Finding:
        def make() -> ModelEngine:
            model, tokenizer = subject.load()
            quantise_model(model, kind, model.get_output_embeddings())
            digest = sha256_json([subject.checkpoint.fingerprint, kind])
            changed = replace(subject.checkpoint, fingerprint=digest)
            return ModelEngine(changed, model, tokenizer, subject.options)

        return ask_changed(f"quantize/{kind}", subject, {"weights": kind}, make)
