"""RMU: drive a layer's states on forget answers to a random direction, hold the retain ones.

L = mean ‖h_θ − c · u‖² over forget tokens + α · mean ‖h_θ − h_ref‖² over retain tokens, h the
output of one layer, u a random unit vector (Li et al. 2024, WMDP, arXiv 2403.03218, eqs. 1 and 2);
only the MLP output matrices of that layer and the two before it are trained. Squares are means over
the H dimensions, and layers are counted from 0, as in the authors' code; c 6.5, α 1200, lr 5e-5,
layer 7 of 32 are theirs for Zephyr-7B. They average over every token of a text, here over those
that predict the answer's.
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
from unlearnbench.training.passes import LAYER_LISTS, Model

_LAYER = re.compile(rf"\.(?:{'|'.join(LAYER_LISTS)})\.(\d+)\.")
_OUTPUT = re.compile(r"\.(?:mlp|feed_forward)\.(?:down_proj|c_proj|dense_4h_to_h|fc2|w2)\.")


@dataclass(frozen=True, slots=True)
class RMUParameters:
    """`layer`: whose output is steered, counted from 0 and taken before any final norm (-1: a
    quarter of the way up, at least 2, as the authors' 7 of 32). `trained_layers`: how many layers
    are trained, that one the last. `steering`: c. `alpha`: weight of the retain term.
    `direction_seed`: of u.
    """

    layer: int = -1
    trained_layers: int = 3
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
        chosen, last = self.parameters.layer, layers - 1
        self.layer = min(last, max(2, round(layers * 7 / 32))) if chosen == -1 else chosen
        if not 0 <= self.layer <= last:
            raise TrainingError(f"layer {chosen}: this model has layers 0 to {last}")
        if self.parameters.trained_layers < 1:
            raise TrainingError(f"trained_layers {self.parameters.trained_layers}: at least 1")
        generator = torch.Generator().manual_seed(self.parameters.direction_seed)
        random = torch.rand(config.hidden_size, generator=generator)
        self._direction = random / random.norm() * self.parameters.steering

    def trains(self, parameter: str) -> bool:
        """Only what writes into the steered layers; adapters there as well."""
        assert self.layer is not None
        match = _LAYER.search(f".{parameter}")
        first = self.layer - self.parameters.trained_layers + 1
        near = match is not None and first <= int(match[1]) <= self.layer
        return near and _OUTPUT.search(parameter) is not None

    def loss(self, student: Model, reference: Model, batch: Batch) -> LossTerms:
        """States at the answers' positions."""
        forget, retained = student(batch.forget, batch.retain, layer=self.layer)
        (before,) = reference(batch.retain, layer=self.layer)
        away = self._direction.to(forget.hidden.device)
        retain = self.parameters.alpha * (retained.hidden - before.hidden).float().square().mean()
        return LossTerms((forget.hidden.float() - away).square().mean(), retain)
