"""Every tensor of an adapter is from its file, and every tensor of the file is in the adapter."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from unlearnbench.checkpoints.reading import named
from unlearnbench.checkpoints.weights import Header
from unlearnbench.errors import CheckpointError

ADAPTER = "default"
"""Name under which an adapter is loaded."""


def check_adapter_whole(
    adapted: Any, result: Any, files: Mapping[str, Header], folder: Path
) -> None:
    """Every tensor of the adapter is from the file, and every one of the file in the adapter."""
    from peft import get_peft_model_state_dict

    state = adapted.state_dict()
    own = get_peft_model_state_dict(
        adapted, state_dict=state, adapter_name=ADAPTER, save_embedding_layers=False
    )
    landed = {name: own.get(name, state.get(name)) for name in files}
    known = {tensor.data_ptr() for tensor in landed.values() if tensor is not None}
    # Some adapters share one tensor among all layers, and the file holds it once. The library's own
    # report calls its names by the name under which the adapter was loaded.
    missing = sorted(n for n in set(own) - set(files) if own[n].data_ptr() not in known)
    if not set(own) & set(files):
        missing = missing or sorted(result.missing_keys)
    with safe_open(next(iter(files.values())).file, framework="pt") as opened:
        stored = {name: opened.get_tensor(name) for name in files}
    unexpected = sorted(n for n in files if landed[n] is None and not _doubled(n, stored))
    if missing or unexpected:
        parts = []
        if missing:
            parts.append(f"{len(missing)} tensors are missing from it: {named(missing)}")
        if unexpected:
            parts.append(f"{len(unexpected)} have no place in its base: {named(unexpected)}")
        raise CheckpointError(f"{folder}: not a whole adapter of this base: {'; '.join(parts)}")
    different = [
        name
        for name, tensor in landed.items()
        if tensor is not None and not _equal(stored[name].to(tensor.dtype), tensor)
    ]
    if different:
        raise CheckpointError(
            f"{folder}: {len(different)} tensors were loaded with other values than the file's: "
            f"{named(sorted(different))}"
        )


def _equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    return torch.equal(one.cpu().nan_to_num(), other.cpu().nan_to_num())


def _doubled(name: str, stored: Mapping[str, torch.Tensor]) -> bool:
    """Whether a tensor is a second copy, under the library's inner name, of one that is used."""
    if ".modules_to_save." in name:
        twins = [name.replace(".modules_to_save.", ".")]
    elif ".token_adapter." in name:
        leaf = name.rpartition(".token_adapter.")[2]
        twins = [n for n in stored if n != name and n.endswith(f".token_adapter.{leaf}")]
    else:
        return False
    return any(twin in stored and _equal(stored[twin], stored[name]) for twin in twins)
