"""Where the parts of a model lie that is larger than one card: several devices, the disk.

parts = read_device_map("auto")                      # or JSON: {"model.layers.0": "cpu", …}
model, _ = load_model(checkpoint, first_device(parts), dtype, device_map=parts)
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import weakref
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel
from transformers.integrations.accelerate import load_offloaded_parameter

from unlearnbench.errors import EngineError, MissingExtraError
from unlearnbench.files.disk import clear_leftovers
from unlearnbench.naming import nearest
from unlearnbench.paths import cache_root

AUTOMATIC = ("auto", "balanced", "balanced_low_0", "sequential")
"""Ways to spread a model that accelerate works out from what is free."""
_DISK = "disk"
_LONGEST_S = 7 * 24 * 3600.0
"""A folder of offloaded weights older than this has no process that reads it."""

DeviceMap = str | dict[str, str | int]
"""One of `AUTOMATIC`, or a device (also `disk`) for each part; the part "" is the whole model."""


def read_device_map(text: str) -> DeviceMap:
    """What `--device-map` says: a way to spread, one device for all, or a JSON object.

    Raises `EngineError`, or `MissingExtraError` where accelerate is not installed.
    """
    if importlib.util.find_spec("accelerate") is None:
        raise MissingExtraError("--device-map needs accelerate; pip install accelerate")
    if text in AUTOMATIC:
        return text
    if not text.lstrip().startswith("{"):
        if not text or text == _DISK or not _is_device(text):
            what = nearest(text, (*AUTOMATIC, "cpu", "cuda:0"))
            raise EngineError(f"--device-map {text}: no way to place a model; {what}")
        return {"": text}
    try:
        parts = json.loads(text)
    except ValueError as error:
        raise EngineError(f"--device-map: not readable as JSON ({error})") from error
    if not parts:
        raise EngineError('--device-map {}: names no part; {"": "cpu"} is the whole model')
    wrong = [f"{part}: {place!r}" for part, place in parts.items() if not _is_place(place)]
    if wrong:
        raise EngineError(
            f"--device-map: {wrong[0]} is no place; give cpu, disk, cuda:0 or a GPU's number"
        )
    return dict(parts)


def _is_place(place: object) -> bool:
    if isinstance(place, int) and not isinstance(place, bool):
        return place >= 0
    return isinstance(place, str) and (place == _DISK or _is_device(place))


def _is_device(name: str) -> bool:
    try:
        return torch.device(name).type in ("cpu", "cuda", "mps", "xpu")
    except RuntimeError:
        return False


def first_device(parts: DeviceMap) -> str:
    """The device, as `--device` spells it, that computes: a part on the disk is read onto it.

    Raises `EngineError` for a GPU that is not there.
    """
    if isinstance(parts, str):
        return "auto"
    gpus = torch.cuda.device_count()
    devices = [_spelt(place) for place in parts.values()]
    for name in devices:
        index = torch.device(name).index if name.startswith("cuda") else None
        if index is not None and index >= gpus:
            raise EngineError(f"--device-map: {name} is not there; GPUs of this machine: {gpus}")
    return next((name for name in devices if name not in ("cpu", _DISK)), "cpu")


def _spelt(place: object) -> str:
    return f"cuda:{place}" if isinstance(place, int) else str(place)


def _places(model: PreTrainedModel) -> Mapping[str, object]:
    base: Any = model
    places = getattr(base, "hf_device_map", None)
    return places if isinstance(places, Mapping) else {}


def devices_of(model: PreTrainedModel) -> list[torch.device]:
    """The devices that a model computes on; the first one takes the prompts."""
    names = [_spelt(place) for place in _places(model).values()]
    real = list(dict.fromkeys(name for name in names if name not in ("cpu", _DISK)))
    if real:
        return [torch.device(name) for name in real]
    return [torch.device("cpu")] if names else [model.device]


def scattered(model: PreTrainedModel) -> str | None:
    """Why the packed path cannot run a model whose parts lie apart; None for one that is whole."""
    names = {_spelt(place) for place in _places(model).values()}
    if len(names) < 2 and _DISK not in names:
        return None
    return f"its layers lie on {', '.join(sorted(names))}"


def offloaded(model: PreTrainedModel) -> bool:
    """Whether some weights are elsewhere until they are needed."""
    return any(parameter.device.type == "meta" for parameter in model.parameters())


def placement_note(model: PreTrainedModel, asked: DeviceMap) -> str:
    """How many parts of the model lie where, for the run's record."""
    counts = Counter(_spelt(place) for place in _places(model).values())
    parts = ", ".join(f"{name} ({n})" for name, n in sorted(counts.items()))
    spelt = asked if isinstance(asked, str) else "of its own"
    return f"device map {spelt}: parts on {parts or model.device}"


class Held(Mapping[str, torch.Tensor]):
    """The tensors of a model's state; one that is offloaded is read from where it waits.

    `unseen` names those that wait in another form than the state's, so that their values cannot be
    read: these stay empty (`meta`).
    """

    def __init__(self, model: PreTrainedModel, state: Mapping[str, torch.Tensor]) -> None:
        self.unseen: set[str] = set()
        self._model = model
        self._state = state

    def __getitem__(self, name: str) -> torch.Tensor:
        """The tensor with its values."""
        tensor = self._state[name]
        if tensor.device.type != "meta":
            return tensor
        try:
            return load_offloaded_parameter(self._model, name)
        except (AttributeError, KeyError, ValueError):
            self.unseen.add(name)
            return tensor

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self._state)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._state)


def is_tied(
    model: PreTrainedModel,
    state: Mapping[str, torch.Tensor],
    name: str,
    others: Container[str],
) -> bool:
    """Whether an offloaded tensor is the same as one of `others`, by the model's own ties."""
    if state[name].device.type != "meta":
        return False
    body: Any = model
    ties: Mapping[str, str] = body.all_tied_weights_keys
    partners = {ties.get(name), *(own for own, other in ties.items() if other == name)}
    held = Held(model, state)
    return any(
        torch.equal(held[name].cpu(), held[partner].cpu())
        for partner in partners
        if partner is not None and partner in others
    )


class OffloadFolder:
    """A folder for weights that wait on the disk in the library's form; gone with its model."""

    def __init__(self) -> None:
        above = cache_root() / "offload"
        try:
            above.mkdir(parents=True, exist_ok=True)
            clear_leftovers(above, older_s=_LONGEST_S)
        except OSError as error:
            raise EngineError(f"{above}: cannot be written for --device-map: {error}") from error
        self.path: Path = above / f".{id(self):x}.{os.getpid()}.partial"

    def keep_for(self, model: PreTrainedModel) -> None:
        """Remove the folder when the model goes, or the process ends."""
        weakref.finalize(model, shutil.rmtree, self.path, ignore_errors=True)
