"""What a checkpoint is, from its config.json and the headers of its files: no weight is read.

outline = outline_of("owner/name")
outline.config, outline.weights, outline.stored_bytes
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

from unlearnbench.checkpoints import hub
from unlearnbench.checkpoints.adapters import adapter_base, bases_as_named, bases_beside
from unlearnbench.checkpoints.aliases import ALIASES
from unlearnbench.checkpoints.folder import is_adapter
from unlearnbench.checkpoints.quantised import quantisation_of
from unlearnbench.checkpoints.reading import read_checkpoint_json, whole_cause
from unlearnbench.checkpoints.resolve import hub_name, wheel_file
from unlearnbench.checkpoints.weights import adapter_tensors, model_tensors
from unlearnbench.errors import CheckpointError

_BITS = {"F64": 64, "I64": 64, "U64": 64, "F32": 32, "I32": 32, "U32": 32}
_BITS |= {"F16": 16, "BF16": 16, "I16": 16, "U16": 16, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6}
_OF_GGUF = {
    "num_hidden_layers": "block_count",
    "hidden_size": "embedding_length",
    "intermediate_size": "feed_forward_length",
    "num_attention_heads": "attention.head_count",
    "num_key_value_heads": "attention.head_count_kv",
    "head_dim": "attention.key_length",
    "vocab_size": "vocab_size",
    "num_local_experts": "expert_count",
}


@dataclass(frozen=True, slots=True)
class CheckpointOutline:
    """A checkpoint that was not loaded.

    `weights` are counted from headers; None where there are none, or where they are packed.
    `folder` is where config.json lies, and the tokenizer if it is on this disk; `gguf` the file
    that holds both. `note` says what was not plain.
    """

    name: str
    config: Mapping[str, object]
    weights: int | None
    stored_bytes: int | None
    folder: Path
    quantised: str | None = None
    adapters: tuple[Path, ...] = ()
    gguf: Path | None = None
    note: str | None = None


def outline_of(name: str) -> CheckpointOutline:
    """The outline of a hub id, folder, adapter, `.gguf` file or alias. Raises `CheckpointError`."""
    return _outline(name, None, frozenset())


def _outline(name: str, revision: str | None, above: frozenset[Path]) -> CheckpointOutline:
    path = Path(name).expanduser()
    if name in ALIASES:
        try:
            return replace(_on_hub(ALIASES[name].hub_id, None, above), name=name)
        except hub.HubError:
            file = wheel_file(ALIASES[name])
            return replace(_gguf(file), name=name, note=f"hub not reachable: {file.name}")
    try:
        if path.is_dir():
            return _folder(path, above)
        if path.is_file() and path.suffix == ".gguf":
            return _gguf(path)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error}") from error
    plain, asked = hub_name(name)
    return _on_hub(plain, asked or revision, above)


def _folder(path: Path, above: frozenset[Path]) -> CheckpointOutline:
    if is_adapter(path):
        return _adapter(path, above)
    if not (path / "config.json").is_file():
        raise CheckpointError(f"{path} has no config.json; is it a checkpoint?")
    config = read_checkpoint_json(path / "config.json")
    if not any(path.glob("*.safetensors")):
        note = "no weights in the folder: counted from config.json"
        return _outlined(path.resolve().name, config, (), path, note)
    headers = model_tensors(path).values()
    return _outlined(path.resolve().name, config, [(h.dtype, h.shape) for h in headers], path)


def _adapter(path: Path, above: frozenset[Path]) -> CheckpointOutline:
    """Its base with the adapter's weights beside it, which merging adds nothing to."""
    if path.resolve() in above:
        raise CheckpointError(f"{path}: an adapter that stands on itself; name its base")
    adapter_tensors(path)
    waiting = above | {path.resolve()}
    named, revision = adapter_base(path)
    places = [*bases_as_named(path, named), *bases_beside(path, named)]
    near = next((p for p in places if p.exists() and p.resolve() not in waiting), None)
    base = _outline(str(near) if near and named not in ALIASES else named, revision, waiting)
    adapters = (*base.adapters, path)
    return replace(base, name=path.resolve().name, adapters=adapters, note=f"adapter on {named}")


def _on_hub(name: str, revision: str | None, above: frozenset[Path]) -> CheckpointOutline:
    found = hub.outline(name, revision)
    if is_adapter(found.folder):
        named, base_revision = adapter_base(found.folder)
        base = _outline(named, base_revision, above)
        return replace(base, name=name, note=f"adapter on {named}")
    if not found.tensors and any(found.folder.glob("*.safetensors")):
        return replace(_folder(found.folder, above), name=name)
    path = found.folder / "config.json"
    if not path.is_file():
        raise CheckpointError(f"{name}: the repository has no config.json; is it a checkpoint?")
    note = None if found.tensors else "no safetensors there: counted from config.json"
    config = read_checkpoint_json(path)
    return _outlined(name, config, found.tensors.values(), found.folder, note)


def _outlined(
    name: str,
    config: Mapping[str, object],
    tensors: Iterable[tuple[str, tuple[int, ...]]],
    folder: Path,
    note: str | None = None,
) -> CheckpointOutline:
    sizes = [(dtype, prod(shape)) for dtype, shape in tensors]
    stored = sum(count * _BITS.get(dtype, 8) for dtype, count in sizes) // 8
    quantised = quantisation_of(folder)
    counted = None if quantised is not None or not sizes else sum(count for _, count in sizes)
    method = None if quantised is None else quantised.method
    return CheckpointOutline(
        name, config, counted, stored if sizes else None, folder, quantised=method, note=note
    )


def _gguf(path: Path) -> CheckpointOutline:
    """A GGUF file, which is dequantised before it is used."""
    from gguf import GGUFReader

    try:
        reader = GGUFReader(path)
        fields = {name: field.contents() for name, field in reader.fields.items()}
    except Exception as error:
        # What a damaged file raises depends on where it is damaged.
        raise CheckpointError(f"{path}: cannot be read as GGUF: {whole_cause(error)}") from error
    kind = str(fields.get("general.architecture"))
    config = {ours: fields.get(f"{kind}.{theirs}") for ours, theirs in _OF_GGUF.items()}
    names = {str(t.name): int(t.n_elements) for t in reader.tensors}
    words = fields.get("tokenizer.ggml.tokens")
    config["vocab_size"] = config["vocab_size"] or (len(words) if isinstance(words, list) else None)
    config["tie_word_embeddings"] = "output.weight" not in names
    config["model_type"] = kind
    stored = path.stat().st_size
    return CheckpointOutline(path.stem, config, sum(names.values()), stored, path.parent, gguf=path)
