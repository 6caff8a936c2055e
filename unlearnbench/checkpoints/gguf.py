"""GGUF files, dequantised once into a cache of safetensors folders."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any, cast

from unlearnbench.checkpoints.folder import FolderDigests, check_folder, digest_folder
from unlearnbench.checkpoints.reading import named, whole_cause
from unlearnbench.errors import CheckpointError
from unlearnbench.files.disk import clear_leftovers, refusal, sync, write_error
from unlearnbench.hashing import sha256_file
from unlearnbench.paths import cache_root

_CONVERSION = "1"
"""Raised when the way a GGUF becomes a folder changes, so that old folders are not used."""
_STAMP = "converted.json"
_DERIVED = ("rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight")
"""Tensors that llama.cpp computes from the configuration: no weights of the model."""
_LONGEST_S = 6 * 3600.0
"""No conversion takes longer; a cache may be shared with machines whose processes are not ours."""


def dequantised(path: Path, expected_sha256: str | None = None) -> tuple[Path, FolderDigests]:
    """The folder that holds the model of a `.gguf` file as fp32 safetensors, and its digests.

    It is made once, in a temporary folder that is renamed when complete. Every later use compares
    its contents with the fingerprint taken then; a folder that changed is made anew.
    Raises `CheckpointError` if the file is not the expected one or cannot be read.
    """
    digest = sha256_file(path)
    if expected_sha256 is not None and digest != expected_sha256:
        raise CheckpointError(
            f"{path}: sha256 is {digest[:12]}…, expected {expected_sha256[:12]}…; the file is not "
            "the released one: reinstall the package that carries it"
        )
    target = cache_root() / "gguf" / f"{digest[:16]}-v{_CONVERSION}"
    digests = _stamped(target)
    if digests is None:
        shutil.rmtree(target, ignore_errors=True)
        digests = _convert(path, target)
    return target, digests


def _stamped(folder: Path) -> FolderDigests | None:
    """The digests of a converted folder, or None if it is missing or not as it was made."""
    try:
        stamp = json.loads((folder / _STAMP).read_text("utf-8"))["fingerprint"]
    except (OSError, ValueError, KeyError):
        return None
    digests = digest_folder(folder)
    return digests if stamp == digests.fingerprint else None


def _convert(path: Path, target: Path) -> FolderDigests:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        clear_leftovers(target.parent, older_s=_LONGEST_S)
        scratch = target.with_name(f".{target.name}.{os.getpid()}.partial")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
    except OSError as error:
        raise CheckpointError(
            f"cannot write the model cache {target.parent}: {error}; set UNLEARNBENCH_CACHE to a "
            "folder with room"
        ) from error
    try:
        _write_folder(path, scratch)
        check_folder(scratch)
        digests = digest_folder(scratch)
        stamp = json.dumps({"fingerprint": digests.fingerprint})
        (scratch / _STAMP).write_text(stamp + "\n", "utf-8")
        sync(scratch)
        try:
            scratch.rename(target)
        except OSError:
            # Another process was faster; its folder is complete, because it was renamed too.
            if _stamped(target) != digests:
                raise
        return digests
    except CheckpointError:
        raise
    except Exception as error:
        refused = refusal(error)
        if refused is not None:
            raise write_error(target, refused) from error
        # What a damaged file raises depends on where it is damaged.
        why = whole_cause(error)
        raise CheckpointError(f"{path}: cannot be dequantised: {why}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _write_folder(path: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    model, info = cast(
        tuple[Any, dict[str, Any]],
        AutoModelForCausalLM.from_pretrained(
            path.parent, gguf_file=path.name, dtype=torch.float32, output_loading_info=True
        ),
    )
    _check_whole(path, model, info)
    # The weights are plain tensors now, but transformers refuses to save them while the quantizer
    # that read the file is still attached.
    model.hf_quantizer = None
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _check_whole(path: Path, model: Any, info: dict[str, Any]) -> None:
    """Every tensor of the file is in the model and every weight of the model from the file.

    Names differ between the two, and layers may be split or fused; the number of elements does not.
    """
    from gguf import GGUFReader

    for what in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if info[what]:
            names = named(sorted(str(key) for key in info[what]))
            raise CheckpointError(f"{path}: not loaded whole: {what.replace('_', ' ')}: {names}")
    tensors = {str(t.name): int(t.n_elements) for t in GGUFReader(path).tensors}
    expected = sum(size for name, size in tensors.items() if name not in _DERIVED)
    loaded = sum(parameter.numel() for parameter in model.parameters())
    if loaded != expected:
        raise CheckpointError(
            f"{path}: not loaded whole: the file holds {expected} weights in {len(tensors)} "
            f"tensors, the model made of it {loaded}; the library may not know this architecture "
            "fully"
        )
