"""Which parameters of a model are trained: an adapter's, or those that the method names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from unlearnbench.environment import extra
from unlearnbench.errors import TrainingError
from unlearnbench.training.method import Method
from unlearnbench.training.settings import TrainSettings


def with_lora(model: PreTrainedModel, base: str, settings: TrainSettings) -> PreTrainedModel:
    """The model with a fresh adapter in all its linear layers, if one is asked for.

    `base` is what the user called the model.
    """
    rank = settings.lora_rank
    if not rank:
        return model
    peft = extra("peft", "peft")
    torch.manual_seed(settings.seed)
    config = peft.LoraConfig(
        r=rank,
        lora_alpha=settings.lora_alpha or 2 * rank,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    adapted: PreTrainedModel = peft.get_peft_model(model, config)
    # What the adapter is for, under the name that the user gave: an alias, a hub id or a folder.
    name = str(Path(base).resolve()) if Path(base).exists() else base
    adapted.peft_config["default"].base_model_name_or_path = name
    return adapted


def freeze(model: PreTrainedModel, method: Method[Any]) -> None:
    """Leave only the parameters that the method trains. Raises `TrainingError` if none is left."""
    for name, parameter in model.named_parameters():
        if not method.trains(name):
            parameter.requires_grad_(False)
    if not any(p.requires_grad for p in model.parameters()):
        raise TrainingError(f"{method.name}: no parameter of this model is left to train")


def trained_copies(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """Copies of all parameters that are trained, by name."""
    return {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}
