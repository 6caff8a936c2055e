"""The values of a loaded model against those in its files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from unlearnbench.checkpoints.reading import named
from unlearnbench.checkpoints.weights import Header
from unlearnbench.errors import CheckpointError

_FLOATS = {"F64", "F32", "F16", "BF16"}
_SAMPLE = 1 << 14
"""Elements compared at each end of a tensor; smaller tensors are compared whole."""


def _check_types(
    state: Mapping[str, torch.Tensor],
    pairs: Mapping[str, str],
    files: Mapping[str, Header],
    where: Path,
) -> None:
    odd = [
        f"{name} ({files[name].dtype})"
        for own, name in pairs.items()
        if state[own].is_floating_point() and files[name].dtype not in _FLOATS
    ]
    if odd:
        raise CheckpointError(
            f"{where}: {len(odd)} tensors are stored in a quantised type and config.json has no "
            f"quantization_config to read them by: {named(sorted(odd))}"
        )


def check_values(
    state: Mapping[str, torch.Tensor],
    pairs: Mapping[str, str],
    files: Mapping[str, Header],
    where: Path,
) -> bool:
    """Compare both ends of every tensor with the file; whether all that was seen is finite.

    `pairs` maps a name in `state` to its name in `files`. Raises `CheckpointError`.
    """
    _check_types(state, pairs, files, where)
    _check_range(state, pairs, files, where)
    different: list[str] = []
    finite = True
    for file in sorted({files[name].file for name in pairs.values()}):
        with safe_open(file, framework="pt") as opened:
            for own, name in pairs.items():
                if files[name].file != file:
                    continue
                for stored, loaded in _ends(opened, name, files[name], state[own]):
                    finite = finite and bool(torch.isfinite(stored.sum(dtype=torch.float32)))
                    if not _same(stored.to(loaded.dtype), loaded):
                        different.append(name)
                        break
    if different:
        raise CheckpointError(
            f"{where}: {len(different)} tensors were loaded with other values than the file's: "
            f"{named(sorted(different))}"
        )
    return finite


def _ends(
    opened: Any, name: str, header: Header, loaded: torch.Tensor
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    if tuple(loaded.shape) != header.shape:
        # The shapes can differ only for a tensor that the library accepted as it is.
        return [(torch.zeros(1), torch.ones(1))]
    if header.size <= 2 * _SAMPLE or len(header.shape) < 2:
        return [(opened.get_tensor(name), loaded)]
    rows = max(1, _SAMPLE // (header.size // header.shape[0]))
    stored = opened.get_slice(name)
    return [(stored[:rows], loaded[:rows]), (stored[-rows:], loaded[-rows:])]


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    if torch.equal(one, other):
        return True
    both_nan = one.isnan() & other.isnan()
    return bool(((one == other) | both_nan).all())


def _check_range(
    state: Mapping[str, torch.Tensor],
    pairs: Mapping[str, str],
    files: Mapping[str, Header],
    where: Path,
) -> None:
    """Refuse weights that were finite and are too large for float16."""
    for own, name in pairs.items():
        header = files[name]
        if header.dtype == "F16" or state[own].dtype != torch.float16:
            continue
        if bool(torch.isfinite(state[own]).all()):
            continue
        with safe_open(header.file, framework="pt") as opened:
            if bool(torch.isfinite(opened.get_tensor(name)).all()):
                raise CheckpointError(
                    f"{where}: {name} holds values too large for float16; use --dtype bfloat16"
                )
