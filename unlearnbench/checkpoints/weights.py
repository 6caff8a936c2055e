"""Which tensors a checkpoint folder holds, from the headers of its safetensors files alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from unlearnbench.checkpoints.reading import named, read_checkpoint_json
from unlearnbench.errors import CheckpointError

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
ADAPTER = "adapter_model.safetensors"
_SHARD = re.compile(r"^model-\d+-of-\d+\.safetensors$")


@dataclass(frozen=True, slots=True)
class Header:
    """What a safetensors file says about one of its tensors; `dtype` as the file spells it."""

    file: Path
    dtype: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of elements."""
        count = 1
        for side in self.shape:
            count *= side
        return count


def read_headers(path: Path) -> dict[str, Header]:
    """Every tensor of a safetensors file, whose size must be what its header promises.

    Raises `CheckpointError`.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            headers = {}
            for name in file.keys():  # noqa: SIM118  # not a mapping
                part = file.get_slice(name)
                headers[name] = Header(path, str(part.get_dtype()), tuple(part.get_shape()))
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path}: damaged or truncated safetensors file ({error}); copy or download it again"
        ) from error
    if not headers:
        raise CheckpointError(f"{path}: holds no tensors")
    return headers


def model_tensors(folder: Path) -> dict[str, Header]:
    """Every tensor of a whole model, from `model.safetensors` or from indexed shards.

    Raises `CheckpointError` where the folder leaves open which tensors those are.
    """
    single, index = folder / SINGLE, folder / INDEX
    shards = _read_index(index) if index.is_file() else {}
    if single.is_file():
        if set(shards.values()) - {SINGLE}:
            raise CheckpointError(
                f"{folder} holds two models, {SINGLE} and the shards of {INDEX}; remove one"
            )
        _no_other_shards(folder, set())
        tensors = read_headers(single)
        if shards:
            _compare(index, shards, {SINGLE: tensors})
        return tensors
    if not shards:
        names = sorted(p.name for p in folder.glob("*.safetensors"))
        raise CheckpointError(
            f"{folder} has neither {SINGLE} nor {INDEX}, only {named(names)}: one file has to be "
            f"called {SINGLE}, several need their index"
        )
    files = sorted(set(shards.values()))
    _no_other_shards(folder, set(files))
    headers = {name: read_headers(folder / name) for name in files}
    _compare(index, shards, headers)
    return {name: headers[file][name] for name, file in shards.items()}


def adapter_tensors(folder: Path) -> dict[str, Header]:
    """Every tensor of a PEFT adapter. Raises `CheckpointError`."""
    path = folder / ADAPTER
    if not path.is_file():
        raise CheckpointError(f"{folder} has an adapter_config.json and no {ADAPTER}")
    return read_headers(path)


def _read_index(index: Path) -> dict[str, str]:
    """Which file each tensor is in; the files are in the index's own folder and exist."""
    mapping = read_checkpoint_json(index).get("weight_map")
    if not isinstance(mapping, dict) or not mapping:
        raise CheckpointError(f"{index}: not a weight index (no weight_map); fetch it again")
    for tensor, file in mapping.items():
        if not isinstance(file, str) or Path(file).name != file or "\\" in file or "\0" in file:
            raise CheckpointError(
                f"{index}: not a weight index: {tensor} is said to be in {file!r}, which is no "
                "file name in this folder"
            )
        if not file.endswith(".safetensors"):
            raise CheckpointError(f"{index}: {tensor} is in {file}, which is not safetensors")
    missing = sorted({f for f in mapping.values() if not (index.parent / f).is_file()})
    if missing:
        raise CheckpointError(
            f"{index.parent}: {len(missing)} shards are missing: {named(missing)}; fetch them"
        )
    return mapping


def _compare(index: Path, mapping: dict[str, str], headers: dict[str, dict[str, Header]]) -> None:
    """Index and shards must name the same tensors in the same files."""
    absent = sorted(f"{t} (in {f})" for t, f in mapping.items() if t not in headers[f])
    if absent:
        raise CheckpointError(
            f"{index} names {len(absent)} tensors that their shard lacks: {named(absent)}"
        )
    extra = sorted(
        f"{t} (in {file})" for file, own in headers.items() for t in own if mapping.get(t) != file
    )
    if extra:
        raise CheckpointError(
            f"{index.parent}: shards hold {len(extra)} tensors that {index.name} does not name "
            f"there: {named(extra)}; nothing would load them"
        )


def _no_other_shards(folder: Path, known: set[str]) -> None:
    other = sorted(
        p.name for p in folder.glob("*.safetensors") if _SHARD.match(p.name) and p.name not in known
    )
    if other:
        raise CheckpointError(
            f"{folder}: no index names {named(other)}; nothing would load it: complete or remove"
        )
