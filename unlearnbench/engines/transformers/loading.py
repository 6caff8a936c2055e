"""Load a resolved checkpoint: device, data type, weights, tokenizer."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from weakref import WeakKeyDictionary

import psutil
import torch
from transformers import (
    AutoModelForCausalLM,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from unlearnbench.checkpoints.quantised import Quantisation, quantisation_of
from unlearnbench.checkpoints.resolve import Checkpoint
from unlearnbench.checkpoints.weights import Header, model_tensors
from unlearnbench.engines.transformers.adapters import NotMergedError, attach, ignored_fields, merge
from unlearnbench.engines.transformers.decoding import (
    answer_plainly,
    settings_of,
    stand_in_settings,
)
from unlearnbench.engines.transformers.faults import LOW_MEMORY, explained
from unlearnbench.engines.transformers.placing import (
    DeviceMap,
    OffloadFolder,
    offloaded,
    placement_note,
)
from unlearnbench.engines.transformers.tokenizers import (
    check_vocabulary,
    load_config,
    load_tokenizer,
)
from unlearnbench.engines.transformers.whole import check_whole
from unlearnbench.errors import CheckpointError, EngineError

__all__ = ["choose_device", "choose_dtype", "load_model", "load_notes", "load_tokenizer"]

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_notes: WeakKeyDictionary[Any, tuple[str, ...]] = WeakKeyDictionary()


def choose_device(requested: str) -> torch.device:
    """`auto` takes CUDA, then MPS, then the CPU. Raises `EngineError` for what is not there."""
    if requested == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(requested)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        first = str(error).splitlines()[0]
        raise EngineError(f"--device {requested}: not usable here ({first}); try auto") from error
    return device


def choose_dtype(requested: str, device: torch.device) -> torch.dtype:
    """`auto` takes bfloat16 where the processor multiplies it in hardware, else float32.

    PyTorch emulates bfloat16 on processors without it, several times slower than float32.
    Raises `EngineError` for an unknown name.
    """
    if requested != "auto":
        if requested not in DTYPES:
            raise EngineError(f"--dtype {requested}: unknown; one of auto, {', '.join(DTYPES)}")
        return DTYPES[requested]
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
    features = {"amx_bf16", "avx512_bf16"} if platform.machine() == "x86_64" else {"bf16"}
    return bool(words & features)


def load_notes(model: PreTrainedModel) -> tuple[str, ...]:
    """What should be said in a run's notes about how `load_model` loaded this model."""
    return _notes.get(model, ())


def load_model(
    checkpoint: Checkpoint,
    device: torch.device,
    dtype: torch.dtype,
    *,
    unmerged: bool = False,
    device_map: DeviceMap | None = None,
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model in evaluation mode and its tokenizer.

    `device_map` spreads the model over several devices; `device` is then the one that computes.

    Tokenizer and generation settings are those of `checkpoint.tokenizer` where that is given. Only
    safetensors are read and no code of the checkpoint is run. Every tensor of the files is in
    the model and none of the model's is anything else. With `unmerged` an adapter that cannot be
    merged may stay beside its base, and weights may stay quantised; such a model can be asked, not
    trained or changed. Raises `CheckpointError`.
    """
    quantised = quantisation_of(checkpoint.folder)
    if quantised is not None:
        quantised.check_library(checkpoint.folder)
    tokenizer = load_tokenizer(checkpoint)
    notes: list[str] = []
    target = _Target(device, dtype, unmerged, device_map, quantised)
    model = _with_adapters(checkpoint, target, notes)
    if device_map is not None:
        notes.append(placement_note(model, device_map))
    if checkpoint.tokenizer is not None:
        other = checkpoint.tokenizer
        model.generation_config = settings_of(other.folder, load_config(other.folder))
        notes.append(f"asked with the tokenizer, chat template and stop tokens of {other.label}")
    notes += check_vocabulary(model, tokenizer)
    model = model.train(False)
    _notes[model] = tuple(notes)
    return model, tokenizer


@dataclass(frozen=True, slots=True)
class _Target:
    """Where and in which data type a model is to lie, and how its files are quantised."""

    device: torch.device
    dtype: torch.dtype
    unmerged: bool
    device_map: DeviceMap | None
    quantised: Quantisation | None


def _with_adapters(checkpoint: Checkpoint, target: _Target, notes: list[str]) -> PreTrainedModel:
    """Base and adapters, merged; the last one beside the rest where merging would change it."""
    model = _load_base(checkpoint.folder, target, notes)
    if checkpoint.adapters and offloaded(model):
        raise EngineError(
            f"--device-map: {checkpoint.adapters[0].name} cannot be put on a base whose weights "
            "are offloaded; merge it and save the result, or give a map without cpu and disk"
        )
    for number, folder in enumerate(checkpoint.adapters):
        with explained(f"{folder}: cannot be put on its base"):
            attached = attach(model, folder)
            if dropped := ignored_fields(folder):
                notes.append(f"{folder.name}: PEFT here does not know {', '.join(dropped)}")
            try:
                model = merge(attached)
            except NotMergedError as reason:
                last = number == len(checkpoint.adapters) - 1
                if not (target.unmerged and last):
                    raise CheckpointError(
                        f"{folder}: {reason}; "
                        + ("only `score` asks such a model" if last else "nothing can stand on it")
                    ) from reason
                notes.append(f"the adapter {folder.name} runs unmerged: {reason}")
                return _unmerged(checkpoint, target)
    return model


def _unmerged(checkpoint: Checkpoint, target: _Target) -> PreTrainedModel:
    """Loaded anew, since the attempt to merge may have changed the weights."""
    model = _load_base(checkpoint.folder, target, [])
    *below, last = checkpoint.adapters
    for folder in below:
        model = merge(attach(model, folder))
    return cast(PreTrainedModel, attach(model, last))


def _load_base(folder: Path, target: _Target, notes: list[str]) -> PreTrainedModel:
    files = model_tensors(folder)
    config = load_config(folder)
    spread = target.device_map
    if spread is None and target.quantised is not None and target.quantised.known:
        # Moved afterwards, some kinds of packed weights would be packed for another device.
        spread = {"": str(target.device)}
    with explained(f"{folder}: cannot be loaded"):
        answer_plainly(config)
        if target.quantised is None and target.device_map is None:
            _check_size(config, files, target.dtype, folder)
        # Shapes that differ are reported by name instead of ending the load.
        place = OffloadFolder() if target.device_map is not None else None
        loaded = AutoModelForCausalLM.from_pretrained(
            folder,
            config=config,
            dtype=target.dtype,
            use_safetensors=True,
            trust_remote_code=False,
            generation_config=stand_in_settings(folder),
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            device_map=spread,
            **({} if place is None else {"offload_folder": str(place.path)}),
        )
        model, info = cast(tuple[PreTrainedModel, dict[str, Any]], loaded)
        if place is not None:
            place.keep_for(model)
        notes += check_whole(model, info, files, folder, target.quantised)
        if target.quantised is not None:
            notes += _quantised_notes(model, target, folder)
        if spread is None:
            model.to(target.device)  # type: ignore[arg-type]  # the stub lacks this overload
    return model


def _quantised_notes(model: PreTrainedModel, target: _Target, folder: Path) -> list[str]:
    """What was done with quantised weights; the data type is the quantiser's where it keeps them.

    Trained or rounded as if they were numbers, packed weights would hardly change what the model
    says: it would look as if it resisted. Raises `CheckpointError` for a model that is to change.
    """
    assert target.quantised is not None
    method = target.quantised.method
    if getattr(model, "hf_quantizer", None) is not None:
        if not target.unmerged:
            raise CheckpointError(
                f"{folder}: its weights stay quantised ({method}) and cannot be trained or "
                "changed; only `score` asks such a model: dequantise it and save the result first"
            )
        asked, own = target.dtype, model.dtype
        kept = (
            "" if own == asked else f", which keeps {_spelt(own)} where {_spelt(asked)} was meant"
        )
        return [f"its weights stay quantised ({method}){kept}"]
    cast(Any, model).to(target.dtype)  # dequantised into the type of its scales
    if not target.quantised.known:
        return [f"config.json names a quantisation that is not known here ({method}): not applied"]
    return [f"its weights were quantised ({method}) and are computed with as plain numbers here"]


def _spelt(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _check_size(
    config: PreTrainedConfig, files: dict[str, Header], dtype: torch.dtype, folder: Path
) -> None:
    """Refuse what cannot fit before memory is taken for it."""
    text = config.get_text_config()
    n_weights = sum(header.size for header in files.values())
    embedding = int(text.vocab_size) * int(getattr(text, "hidden_size", None) or 1)
    layers = int(getattr(text, "num_hidden_layers", None) or 0)
    if embedding > 2 * n_weights or layers > 10 * len(files) + 1000:
        raise CheckpointError(
            f"{folder}: config.json describes a larger model (vocabulary {text.vocab_size}, "
            f"{layers} layers) than the {n_weights} weights in its files"
        )
    free = psutil.virtual_memory().available + psutil.swap_memory().free
    need = n_weights * dtype.itemsize
    if need > free:
        raise CheckpointError(
            f"{folder}: needs {need / 2**30:.1f} GiB, {free / 2**30:.1f} are free: {LOW_MEMORY}"
        )
