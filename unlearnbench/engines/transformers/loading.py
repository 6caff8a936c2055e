"""Load a resolved checkpoint: device, data type, weights, tokenizer."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import cast

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from unlearnbench.checkpoints.resolve import Checkpoint
from unlearnbench.engines.transformers.decoding import stand_in_settings
from unlearnbench.errors import CheckpointError, EngineError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(asked: str) -> torch.device:
    """`auto` takes CUDA, then MPS, then the CPU. Raises `EngineError` for what is not there."""
    if asked == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(asked)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        first = str(error).splitlines()[0]
        raise EngineError(f"--device {asked}: not usable here ({first}); try auto") from error
    return device


def choose_dtype(asked: str, device: torch.device) -> torch.dtype:
    """`auto` takes bfloat16 where the processor multiplies it in hardware, else float32.

    PyTorch emulates bfloat16 on processors without it, several times slower than float32.
    Raises `EngineError` for an unknown name.
    """
    if asked != "auto":
        if asked not in DTYPES:
            raise EngineError(f"--dtype {asked}: unknown; one of auto, {', '.join(DTYPES)}")
        return DTYPES[asked]
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device.type == "cpu":
        native = _cpu_has_bf16()
    else:
        native = False
    return torch.bfloat16 if native else torch.float32


def _cpu_has_bf16() -> bool:
    """Whether the processor has bfloat16 products (AMX or AVX512-BF16 on x86, BF16 on Arm)."""
    try:
        words = set(Path("/proc/cpuinfo").read_text("utf-8").split())
    except OSError:
        return False
    wanted = {"amx_bf16", "avx512_bf16"} if platform.machine() == "x86_64" else {"bf16"}
    return bool(words & wanted)


def load_tokenizer(checkpoint: Checkpoint) -> PreTrainedTokenizerBase:
    """Only the tokenizer. Raises `CheckpointError`."""
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            checkpoint.folder, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, ImportError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise CheckpointError(f"{checkpoint.folder}: no tokenizer: {first}") from error
    return tokenizer


def load_model(
    checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model in evaluation mode and its tokenizer.

    Only safetensors are read and no code of the checkpoint is run. Raises `CheckpointError`.
    """
    model: PreTrainedModel
    try:
        config = AutoConfig.from_pretrained(checkpoint.folder, trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(checkpoint.folder, trust_remote_code=False)
        model = AutoModelForCausalLM.from_pretrained(
            checkpoint.folder,
            config=config,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            generation_config=stand_in_settings(checkpoint.folder),
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise CheckpointError(f"{checkpoint.folder}: cannot be loaded: {first}") from error
    for adapter in checkpoint.adapters:
        model = _merge(model, adapter)
    model.to(device)  # type: ignore[arg-type]  # the stub lacks the overload for a device
    return model.train(False), tokenizer


def _merge(model: PreTrainedModel, adapter: Path) -> PreTrainedModel:
    """Merge a PEFT adapter into the model's own weights."""
    try:
        from peft import PeftModel
    except ImportError as error:
        raise CheckpointError(
            f"{adapter} is a PEFT adapter; pip install 'unlearnbench[peft]'"
        ) from error
    try:
        merged = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload(safe_merge=True)
        return cast(PreTrainedModel, merged)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise CheckpointError(f"{adapter}: cannot be merged into its base: {first}") from error
