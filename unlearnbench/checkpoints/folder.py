"""What a checkpoint folder must be before anything loads it: whole, and free of pickle."""

from __future__ import annotations

import json
from pathlib import Path

from unlearnbench.errors import CheckpointError
from unlearnbench.hashing import sha256_files

_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_DECISIVE = (
    "*.safetensors",
    "*.safetensors.index.json",
    "config.json",
    "adapter_config.json",
    "generation_config.json",
    "tokenizer*",
    "chat_template*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.*",
    "merges.txt",
    "*.model",
)
"""Files that decide what a checkpoint answers. Logs, cards and the like are not fingerprinted."""


def is_adapter(folder: Path) -> bool:
    """Whether the folder holds a PEFT adapter."""
    return (folder / "adapter_config.json").is_file()


def adapter_base(folder: Path) -> str:
    """The base model that an adapter names. Raises `CheckpointError` if it names none."""
    try:
        config = json.loads((folder / "adapter_config.json").read_text("utf-8"))
        base = config["base_model_name_or_path"]
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{folder / 'adapter_config.json'}: no base_model_name_or_path ({error!r}); "
            "name the base there"
        ) from error
    if not isinstance(base, str) or not base:
        raise CheckpointError(f"{folder / 'adapter_config.json'}: base_model_name_or_path is empty")
    return base


def check_folder(folder: Path) -> None:
    """Refuse a folder that is incomplete, truncated, or holds weights only as pickle.

    Raises `CheckpointError`.
    """
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        pickles = sorted(p.name for pattern in _PICKLES for p in folder.glob(pattern))
        if pickles:
            raise CheckpointError(
                f"{folder} holds weights only as pickle ({', '.join(pickles[:3])}), which can run "
                "code when loaded; convert them to safetensors first "
                "(save_pretrained of transformers does)"
            )
        raise CheckpointError(f"{folder} holds no *.safetensors weights; is it a checkpoint?")
    for path in weights:
        check_safetensors(path)
    for index in folder.glob("*.safetensors.index.json"):
        _check_shards(index)
    if not is_adapter(folder) and not (folder / "config.json").is_file():
        raise CheckpointError(f"{folder} has no config.json; is it a whole checkpoint?")


def _check_shards(index: Path) -> None:
    try:
        shards = set(json.loads(index.read_text("utf-8"))["weight_map"].values())
    except (ValueError, KeyError, AttributeError) as error:
        raise CheckpointError(f"{index}: not a weight index ({error!r}); fetch it again") from error
    missing = sorted(name for name in shards if not (index.parent / name).is_file())
    if missing:
        raise CheckpointError(f"{index.parent}: {len(missing)} shards are missing: {missing[0]} …")


def check_safetensors(path: Path) -> None:
    """Read a safetensors file's header and compare its size with what the header promises."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            names = list(file.keys())
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path}: damaged or truncated safetensors file ({error}); copy or download it again"
        ) from error
    if not names:
        raise CheckpointError(f"{path}: holds no tensors")


def fingerprint(folder: Path) -> str:
    """sha256 over the contents of every file that decides what the checkpoint answers."""
    found = {p for pattern in _DECISIVE for p in folder.glob(pattern) if p.is_file()}
    return sha256_files(sorted(found))
