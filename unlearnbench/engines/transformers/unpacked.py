"""Quantised weights after loading: what can be compared with the files is, the rest by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from transformers import PreTrainedModel

from unlearnbench.checkpoints.reading import named
from unlearnbench.checkpoints.weights import Header
from unlearnbench.engines.transformers.placing import Held
from unlearnbench.engines.transformers.values import check_values
from unlearnbench.errors import CheckpointError

_PLAIN = {"F64", "F32", "F16", "BF16"}


def check_unpacked(model: PreTrainedModel, files: Mapping[str, Header], where: Path) -> list[str]:
    """Refuse a quantised model that is not what `files` hold; what should be said about it.

    A library may keep packed weights under other names than the files do, but only within the
    module that they belong to. Modules without packed weights are compared by value. Raises
    `CheckpointError` that names the tensors.
    """
    state: dict[str, torch.Tensor] = dict(model.state_dict())
    modules = {path for path, _ in model.named_modules()}
    homes = {name: _home(model, name, modules) for name in files}
    packed = {homes[name] for name, header in files.items() if header.dtype not in _PLAIN}
    plain = {
        own: name
        for name, home in homes.items()
        if home not in packed and (own := _own(model, name, state)) is not None
    }
    others = sorted(set(files) - set(plain.values()))
    homeless = [name for name in others if not homes[name]]
    if homeless:
        raise CheckpointError(
            f"{where}: {len(homeless)} tensors in the files have no place in the model: "
            f"{named(homeless)}; config.json describes a smaller or another model"
        )
    _check_missing(model, state, plain, {homes[name] for name in others}, where)
    finite = check_values(Held(model, state), plain, files, where)
    seen = f"{len(plain)} tensors compared with the files by value, {len(others)} by name"
    return [f"quantised: {seen}", *([] if finite else ["its weights hold NaN or infinite values"])]


def _module(name: str) -> str:
    return name.rpartition(".")[0]


def _own(model: PreTrainedModel, name: str, state: Mapping[str, torch.Tensor]) -> str | None:
    """A file's tensor under the model's own name, with or without the body's prefix."""
    prefix = f"{model.base_model_prefix}."
    return next((n for n in (name, prefix + name, name.removeprefix(prefix)) if n in state), None)


def _home(model: PreTrainedModel, name: str, modules: set[str]) -> str:
    """The innermost module of the model that a file's tensor belongs to; "" if there is none."""
    prefix = f"{model.base_model_prefix}."
    for form in (name, prefix + name, name.removeprefix(prefix)):
        path = _module(form)
        while path and path not in modules:
            path = _module(path)
        if path and path != model.base_model_prefix:
            return path
    return ""


def _check_missing(
    model: PreTrainedModel,
    state: Mapping[str, torch.Tensor],
    plain: Iterable[str],
    filled: Iterable[str],
    where: Path,
) -> None:
    """Every tensor is from the files, tied to one that is, or in a module that they fill."""
    known = set(plain)
    places = tuple(f"{path}." for path in filled)
    memory = {state[name].data_ptr() for name in known if state[name].device.type != "meta"}
    ties: Mapping[str, str] = getattr(model, "all_tied_weights_keys", None) or {}
    missing = [
        name
        for name, tensor in state.items()
        if name not in known
        and not name.startswith(places)
        and tensor.data_ptr() not in memory
        and ties.get(name) not in known
    ]
    if missing:
        raise CheckpointError(
            f"{where}: {len(missing)} tensors of the model are missing from the files: "
            f"{named(sorted(missing))}; the model is not whole"
        )
