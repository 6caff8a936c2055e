"""RMU: drive a layer's states on forget answers to a random direction, hold the retain ones.

L = mean ‖h_θ − c · u‖² over forget tokens + α · mean ‖h_θ − h_ref‖² over retain tokens, h the
output of one layer, u a random unit vector (Li et al. 2024, WMDP, arXiv 2403.03218, eqs. 1 and 2);
only the MLP output matrices of that layer and the two before it are trained. Squares are means over
the H dimensions, as in the authors' code; c 6.5, α 1200, lr 5e-5, layer 7 of 32 are theirs for
Zephyr-7B. They average over every token of a text, here over the answer's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch
from torch import nn
from transformers import PreTrainedTokenizerBase

from unlearnbench.errors import TrainingError
from unlearnbench.training.batch import Batch
from unlearnbench.training.method import LossTerms, Method
from unlearnbench.training.passes import Model

_LAYER = re.compile(r"\.(?:layers|h|blocks)\.(\d+)\.")
_OUTPUT = re.compile(r"\.(?:mlp|feed_forward)\.(?:down_proj|c_proj|dense_4h_to_h|fc2|w2)\.")


@dataclass(frozen=True, slots=True)
class RMUParameters:
    """`layer`: whose output is steered, counted from 1 (0: a quarter of the way up, at least 3, as
    the authors' 7 of 32). `steering`: c. `alpha`: weight of the retain term. `seed`: of u.
    """

    layer: int = 0
    steering: float = 6.5
    alpha: float = 1200.0
    direction_seed: int = 0


class RMU(Method[RMUParameters]):
    """Representation misdirection for unlearning."""

    name = "rmu"
    Parameters = RMUParameters
    settings = {"lr": 5e-5, "lambda_f": 1.0, "lambda_r": 1.0}
    compares = frozenset({"retain"})

    def __init__(self, parameters: RMUParameters) -> None:
        super().__init__(parameters)
        self._direction = torch.empty(0)

    def prepare(self, model: nn.Module, tokenizer: PreTrainedTokenizerBase) -> None:
        """Choose the layer and draw the direction."""
        config = model.config.get_text_config()  # type: ignore[union-attr, operator]
        layers = config.num_hidden_layers
        self.layer = self.parameters.layer or min(layers, max(3, round(layers * 7 / 32)))
        if not 1 <= self.layer <= layers:
            raise TrainingError(f"layer {self.layer}: this model has layers 1 to {layers}")
        generator = torch.Generator().manual_seed(self.parameters.direction_seed)
        random = torch.rand(config.hidden_size, generator=generator)
        self._direction = random / random.norm() * self.parameters.steering

    def trains(self, parameter: str) -> bool:
        """Only what writes into the steered layers; adapters there as well."""
        assert self.layer is not None
        match = _LAYER.search(f".{parameter}")
        near = match is not None and self.layer - 3 <= int(match[1]) < self.layer
        return near and _OUTPUT.search(parameter) is not None

    def loss(self, student: Model, reference: Model, batch: Batch) -> LossTerms:
        """States at the answers' positions."""
        forget, retained = student(batch.forget, batch.retain, layer=self.layer)
        (before,) = reference(batch.retain, layer=self.layer)
        away = self._direction.to(forget.hidden.device)
        retain = self.parameters.alpha * (retained.hidden - before.hidden).float().square().mean()
        return LossTerms((forget.hidden.float() - away).square().mean(), retain)
