"""A model whose weights, gradients and optimiser are spread over the processes (FSDP2).

Each decoder layer is a unit, gathered while it computes. What is left (embedding, last norm, head)
is gathered by the model's own forward call and stays so until backward has ended, so that losses
may go through the head outside of that call. docs/decisions/0024-sharded-training.md.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import torch
from accelerate import FullyShardedDataParallelPlugin
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, OffloadPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from transformers import PreTrainedModel

from unlearnbench.environment import this_process
from unlearnbench.errors import TrainingError

_log = logging.getLogger(__name__)


def fsdp_plugin() -> FullyShardedDataParallelPlugin:
    """Accelerate's configuration of what is done here."""
    return FullyShardedDataParallelPlugin(
        fsdp_version=2,
        auto_wrap_policy="NO_WRAP",
        state_dict_type="FULL_STATE_DICT",
        reshard_after_forward=True,
    )


def follow(plugin: FullyShardedDataParallelPlugin) -> None:
    """See that accelerate's configuration can be followed, and let it save whole states.

    Raises `TrainingError` for version 1 of FSDP, and for what is set elsewhere.
    """
    if plugin.fsdp_version != 2:
        raise TrainingError("FSDP version 1 is not supported; set fsdp_version: 2 in its config")
    if plugin.activation_checkpointing:
        raise TrainingError(
            "accelerate's config sets fsdp_activation_checkpointing; leave it out and give "
            "--set gradient_checkpointing=true"
        )
    plugin.set_state_dict_type("FULL_STATE_DICT")


def shard(
    model: PreTrainedModel,
    layers: Iterable[nn.Module],
    device: torch.device,
    plugin: FullyShardedDataParallelPlugin | None = None,
) -> None:
    """Spread the model's weights over the `device` of all processes, in place.

    `plugin`: accelerate's FSDP configuration, of which offloading to the CPU and whether a layer is
    let go of after forward are followed. Raises `TrainingError` if anything is left whole.
    """
    # Said of the logits, which nobody changes in place.
    warnings.filterwarnings("ignore", message="FSDP2-wrapped module .* returned a view tensor")
    unit = partial(fully_shard, mesh=init_device_mesh(device.type, (this_process().count,)))
    offload = getattr(plugin, "cpu_offload", None)
    if isinstance(offload, OffloadPolicy):
        unit = partial(unit, offload_policy=offload)
    again = getattr(plugin, "reshard_after_forward", True) is not False
    for layer in layers:
        unit(layer, reshard_after_forward=again)
    # Gathered until backward ends: see above.
    unit(model, reshard_after_forward=False)
    left = [name for name, p in model.named_parameters() if not isinstance(p, DTensor)]
    if left:
        raise TrainingError(f"{type(model).__name__}: {left[0]} could not be sharded")
    total = sum(p.numel() * p.element_size() for p in model.parameters())
    _log.info("weights: %.2f of %.2f GB in each process", local_bytes(model) / 1e9, total / 1e9)


def reshard(model: nn.Module) -> None:
    """Let go of weights that a forward call without backward has left gathered."""
    if isinstance(model, FSDPModule):
        model.reshard()


def check_trains_shards(model: nn.Module, optimized: Iterable[torch.Tensor]) -> None:
    """Check that what the optimiser steps are the model's own trained shards, all of them.

    Otherwise a training would run to its end and change nothing, or one process's part alone.
    Raises `TrainingError`.
    """
    trained = {id(p): name for name, p in model.named_parameters() if p.requires_grad}
    stepped = {id(p) for p in optimized}
    loose = [n for n, p in model.named_parameters() if not isinstance(p, DTensor)]
    missing = loose or [name for number, name in trained.items() if number not in stepped]
    if missing or stepped - set(trained):
        raise TrainingError(
            f"{missing[0] if missing else 'a parameter'} is not trained as a shard of this model; "
            "train it in one process"
        )


def whole_weights(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """All weights, gathered on the CPU of process 0; nothing in the others. All must call it."""
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    whole: Mapping[str, Any] = get_model_state_dict(model, options=options)
    if not this_process().first:
        return {}
    # Gathering makes tensors of their own of the second names of tied weights.
    names = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    once = {name for name, _ in model.named_parameters()}
    return {name: tensor for name, tensor in whole.items() if name not in names - once}


@torch.no_grad()
def gathered(tensor: torch.Tensor) -> torch.Tensor:
    """The whole of a tensor that may be sharded; all processes must call it."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor.detach()


def dealt(whole: torch.Tensor | None, like: torch.Tensor) -> torch.Tensor:
    """A whole tensor, which process 0 gives, laid out as `like`; all processes must call it."""
    if not isinstance(like, DTensor):
        assert whole is not None
        return whole.to(like.device, like.dtype)
    given = torch.empty(like.shape, dtype=like.dtype) if whole is None else whole.to(like.dtype)
    return distribute_tensor(given.to(like.device), like.device_mesh, like.placements)


def local_bytes(model: nn.Module) -> int:
    """Bytes of the weights that this process holds between two steps."""
    return sum(_local(p).numel() * p.element_size() for p in model.parameters())


def _local(parameter: torch.Tensor) -> torch.Tensor:
    return parameter.to_local() if isinstance(parameter, DTensor) else parameter
