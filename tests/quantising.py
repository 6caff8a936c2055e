"""Tiny checkpoints whose weights are quantised."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

Tensors = dict[str, torch.Tensor]
CT = {
    "quant_method": "compressed-tensors",
    "format": "pack-quantized",
    "quantization_status": "compressed",
    "config_groups": {
        "group_0": {
            "targets": ["Linear"],
            "weights": {"num_bits": 4, "type": "int", "symmetric": True, "strategy": "channel"},
        }
    },
    "ignore": ["lm_head"],
}


def with_block(source: Path, target: Path, block: object, tensors: Tensors | None = None) -> Path:
    """A copy of a model whose configuration says that it is quantised."""
    shutil.copytree(source, target)
    path = target / "config.json"
    config = {**json.loads(path.read_text()), "quantization_config": block}
    path.write_text(json.dumps(config))
    if tensors is not None:
        save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    return target


def by_compressed_tensors(base: Path, folder: Path) -> Path:
    helpers = pytest.importorskip("compressed_tensors.compressors.pack_quantized.helpers")
    new: Tensors = {}
    for name, tensor in load_file(base / "model.safetensors").items():
        if "proj" not in name:
            new[name] = tensor
            continue
        scale = tensor.abs().amax(1, keepdim=True) / 7
        whole = torch.round(tensor / scale).clamp(-8, 7).to(torch.int8)
        new |= {f"{name}_packed": helpers.pack_to_int32(whole, 4), f"{name}_scale": scale}
        new[f"{name}_shape"] = torch.tensor(tensor.shape)
    return with_block(base, folder, CT, new)
