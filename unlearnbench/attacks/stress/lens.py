"""Diagnostic `lens`: at which layer the answer can be read through the model's own head.

The logit lens (nostalgebraist 2020): hidden states of each layer go through the final norm and the
head as if they were the last. A fact that stands first in the middle and is gone at the end is
hidden, not forgotten.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from unlearnbench.attacks.stress.base import Loadable, Subject
from unlearnbench.attacks.stress.findings import Finding
from unlearnbench.engines.transformers.engine import ModelEngine
from unlearnbench.engines.transformers.prompts import encode
from unlearnbench.protocol.render import make_probe
from unlearnbench.protocol.ways import begun_turns
from unlearnbench.training.head import find_head
from unlearnbench.types import Fact, ProbeKey, PromptFormat

TOP = 10


class Lens:
    """Rank of the answer's first token at each layer, after `The answer is`; unranked."""

    name = "lens"
    summary = "the layer at which the answer's first token is readable through the model's head"
    needs_base = False
    needs_weights = True

    def run(self, subject: Subject) -> list[Finding]:
        """See `StressTest`. One finding without a score: its figures are in the details."""
        began = time.monotonic()
        facts = subject.inputs.facts("forget")
        read = partial(_ranks_of, tuple(facts), subject.prompt_format)
        ranks = torch.tensor(subject.measured(self.name, read))
        first = (ranks == 0).float().mean(0)
        near = (ranks < TOP).float().mean(0)
        best = int(near.argmax())
        deepest = (ranks < TOP).any(1).float().mean()
        note = (
            f"answer among the {TOP} likeliest: {float(near[-1]):.0%} at the last layer, "
            f"{float(near[best]):.0%} at layer {best}, {float(deepest):.0%} at some layer"
        )
        details = {
            "layers": len(near),
            "first": [round(x, 4) for x in first.tolist()],
            f"top{TOP}": [round(x, 4) for x in near.tolist()],
        }
        seconds = time.monotonic() - began
        return [Finding(self.name, ranked=False, seconds=seconds, details=details, note=note)]


def _ranks_of(
    facts: Sequence[Fact], prompt_format: PromptFormat, models: Loadable
) -> list[list[int]]:
    """The ranks of each fact's answer, by layer."""
    engine = models.engine()
    assert isinstance(engine, ModelEngine)
    engine.release()
    ask = partial(_ranks, engine.model, engine.tokenizer, prompt_format)
    ranks: list[list[int]] = torch.stack([ask(fact) for fact in facts]).tolist()
    engine.resume()
    return ranks


@torch.no_grad()
def _ranks(
    model: PreTrainedModel, tokenizer: Any, prompt_format: PromptFormat, fact: Fact
) -> torch.Tensor:
    """Rank (0: likeliest) of the answer's first token at each layer, `[layers + 1]`."""
    turns = begun_turns(fact.question)
    key = ProbeKey(fact.id, "lens", "plain")
    ids = encode(tokenizer, make_probe(fact, key, turns, prompt_format))
    gold = tokenizer(f" {fact.answer}", add_special_tokens=False).input_ids[0]
    inputs = torch.tensor([ids], device=model.device)
    states = model(input_ids=inputs, use_cache=False, output_hidden_states=True).hidden_states
    norm, head = _final_norm(model), find_head(model)
    # The last entry has been through the final norm already.
    normed = torch.stack([*(norm(s[0, -1]) for s in states[:-1]), states[-1][0, -1]])
    # Some models keep their residual stream in float32 whatever their weights are in.
    logits = head(normed.to(next(head.linear.parameters()).dtype))
    return (logits > logits[:, gold, None]).sum(-1)


def _final_norm(model: PreTrainedModel) -> nn.Module:
    """The norm between the last layer and the head; the identity if the model has none."""
    inner = model.base_model
    for name in ("norm", "ln_f", "final_layer_norm", "final_layernorm", "final_norm"):
        norm = getattr(inner, name, None)
        if isinstance(norm, nn.Module):
            return norm
    return nn.Identity()
