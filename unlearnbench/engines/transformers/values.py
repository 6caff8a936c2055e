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
        if state[own].is_floating_point()
        and state[own].dtype.itemsize > 1  # a layer that computes with eight bits has its scales
        and files[name].dtype not in _FLOATS
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
                held = state[own]
                if held.device.type == "meta":
                    continue  # waits on the disk in another form
                for stored, loaded in _ends(opened, name, files[name], held):
                    finite = finite and bool(torch.isfinite(stored.float().sum()))
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
    if one.dtype.itemsize == 1 and one.is_floating_point():
        one, other = one.float(), other.float()  # nothing compares eight-bit floats
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


def check_quantised(
    state: Mapping[str, torch.Tensor],
    files: Mapping[str, Header],
    block: tuple[int, int] | None,
    where: Path,
) -> None:
    """Compare the first block of every eight-bit tensor that was dequantised on loading.

    `block` is the size of a block that shares a scale. Raises `CheckpointError` for a tensor that
    was dequantised without its scale, or otherwise.
    """
    wrong = []
    for name, header in files.items():
        loaded = state.get(name)
        if loaded is None or header.dtype in _FLOATS or not loaded.is_floating_point():
            continue
        if loaded.dtype.itemsize == 1 and f"{name}_scale_inv" in state:
            continue  # it stays as it is in the file
        scale = files.get(f"{name}_scale_inv")
        if scale is None or block is None or not _scaled(name, header, scale, block, loaded):
            wrong.append(f"{name} ({header.dtype})")
    if wrong:
        raise CheckpointError(
            f"{where}: {len(wrong)} quantised tensors were not read with their scales: "
            f"{named(sorted(wrong))}; this library cannot load them, dequantise the model first"
        )


def _scaled(
    name: str, header: Header, scale: Header, block: tuple[int, int], loaded: torch.Tensor
) -> bool:
    with safe_open(header.file, framework="pt") as opened:
        stored = opened.get_slice(name)[: block[0]][:, : block[1]].float()
    with safe_open(scale.file, framework="pt") as opened:
        factor = opened.get_tensor(f"{name}_scale_inv").float().flatten()[0]
    expected = (stored * factor).to(loaded.dtype).float()
    actual = loaded[: block[0], : block[1]].float()
    return torch.allclose(expected, actual, rtol=2e-2, atol=1e-6, equal_nan=True)
