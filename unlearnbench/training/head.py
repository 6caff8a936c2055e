"""From final hidden states to logits, without running the model."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import nn
from transformers import PreTrainedModel

from unlearnbench.errors import TrainingError


class Head:
    """A language-model head: a linear layer and what the architecture does to its output.

    Calling it takes hidden states `[N, H]` to logits `[N, V]` in float32, or better if they are.
    """

    def __init__(self, linear: nn.Module, scale: float = 1.0, softcap: float | None = None) -> None:
        self.linear = linear
        self.scale = scale
        self.softcap = softcap

    def __call__(self, hidden: torch.Tensor) -> torch.Tensor:
        """Logits `[N, V]`, in float32 at least."""
        logits: torch.Tensor = self.linear(hidden)
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        if self.scale != 1.0:
            logits = logits * self.scale
        if self.softcap:
            logits = torch.tanh(logits / self.softcap) * self.softcap
        return logits

    def trained(self) -> Iterator[torch.Tensor]:
        """The parameters that a loss through this head must reach."""
        return (p for p in self.linear.parameters() if p.requires_grad)

    def frozen(self, device: torch.device | None = None) -> Head:
        """The head as it is now: a copy, on `device` if given, if it is trained; else itself."""
        if not any(True for _ in self.trained()):
            return self
        kept = copy.deepcopy(self.linear).requires_grad_(False).to(device)
        return Head(kept, self.scale, self.softcap)


def find_head(model: PreTrainedModel) -> Head:
    """The head of a causal language model, its scale and soft cap read from the config.

    Raises `TrainingError` if the model has none.
    """
    linear = model.get_output_embeddings()
    if linear is None:
        raise TrainingError(f"{type(model).__name__} has no language-model head to train through")
    config = model.config.get_text_config()
    scale = float(getattr(config, "logit_scale", None) or 1.0)
    scale /= float(getattr(config, "logits_scaling", None) or 1.0)
    scale *= float(getattr(config, "lm_head_multiplier", None) or 1.0)
    return Head(linear, scale, getattr(config, "final_logit_softcapping", None))
