"""Checks of a checkpoint folder before anything loads it: complete, and free of pickle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unlearnbench.checkpoints.reading import read_checkpoint_json
from unlearnbench.checkpoints.weights import (
    ADAPTER,
    INDEX,
    SINGLE,
    adapter_tensors,
    model_tensors,
    read_headers,
)
from unlearnbench.errors import CheckpointError
from unlearnbench.hashing import sha256_file, sha256_json

_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_DECISIVE = (
    "*.safetensors",
    "*.safetensors.index.json",
    "config.json",
    "adapter_config.json",
    "generation_config.json",
    "tokenizer*",
    "chat_template*",
    "additional_chat_templates/*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.*",
    "merges.txt",
    "*.model",
    "tekken.json",
)
"""Files that decide what a checkpoint answers. Logs, cards and the like are not fingerprinted."""

_OF_WEIGHTS = (".safetensors", "adapter_config.json")

_OBJECTS = (
    "generation_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)
"""Read by the library, which passes over some of them in silence if they are damaged."""


def is_adapter(folder: Path) -> bool:
    """Whether the folder holds a PEFT adapter."""
    return (folder / "adapter_config.json").is_file()


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
    for name in _OBJECTS:
        if (folder / name).is_file():
            read_checkpoint_json(folder / name)
    if is_adapter(folder):
        _check_adapter(folder)
        read = set()
    else:
        _check_model(folder)
        read = {header.file for header in model_tensors(folder).values()}
    for path in weights:
        if path not in read:
            read_headers(path)


def _check_adapter(folder: Path) -> None:
    read_checkpoint_json(folder / "adapter_config.json")
    adapter_tensors(folder)
    if (folder / SINGLE).is_file() or (folder / INDEX).is_file():
        raise CheckpointError(
            f"{folder} holds a whole model and an adapter; give the one that is meant a folder of "
            "its own"
        )


def _check_model(folder: Path) -> None:
    path = folder / "config.json"
    if not path.is_file():
        raise CheckpointError(f"{folder} has no config.json; is it a whole checkpoint?")
    if (folder / ADAPTER).is_file():
        raise CheckpointError(
            f"{folder} holds {ADAPTER} and no adapter_config.json: half an adapter"
        )
    if read_checkpoint_json(path).get("transformers_weights") is not None:
        raise CheckpointError(
            f"{path} sends the library to another weight file (transformers_weights); "
            f"remove that field and call the file {SINGLE}"
        )


@dataclass(frozen=True, slots=True)
class FolderDigests:
    """sha256 of what a checkpoint folder holds: all that decides its answers; its weights alone.

    What an adapter's configuration says (its scale, say) belongs to the weights that it adds.
    """

    fingerprint: str
    weights: str


def digest_folder(folder: Path) -> FolderDigests:
    """Read every file that decides what the checkpoint answers, once."""
    files = {p for pattern in _DECISIVE for p in folder.glob(pattern) if p.is_file()}
    digests = {p.relative_to(folder).as_posix(): sha256_file(p) for p in sorted(files)}
    weights = [d for name, d in digests.items() if name.endswith(_OF_WEIGHTS)]
    return FolderDigests(sha256_json(digests), sha256_json(sorted(weights)))
