"""Checkpoints whose weights are quantised: read by their library, or refused before loading."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tests import models
from tests.quantising import by_compressed_tensors, with_block
from unlearnbench.checkpoints import quantised
from unlearnbench.checkpoints.quantised import LIBRARIES, Quantisation, quantisation_of
from unlearnbench.checkpoints.resolve import resolve
from unlearnbench.engines.transformers import loading
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.engines.transformers.loading import load_model, load_notes
from unlearnbench.errors import CheckpointError
from unlearnbench.types.options import EngineOptions

CPU = torch.device("cpu")


def ask_only(folder: Path, dtype: torch.dtype = torch.float32) -> Any:
    return load_model(resolve(str(folder)), CPU, dtype, unmerged=True)[0]


NEEDS = sorted(name for name, library in LIBRARIES.items() if library is not None)


@pytest.mark.parametrize("method", NEEDS)
def test_a_missing_library_is_named_before_anything_is_loaded(
    method: str, tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantised, "_installed", lambda module: False)
    monkeypatch.setattr(loading, "AutoModelForCausalLM", None)
    monkeypatch.setattr(loading, "load_tokenizer", None)
    library = LIBRARIES[method]
    assert library is not None
    folder = with_block(tiny_llama, tmp_path / "m", {"quant_method": method})
    with pytest.raises(CheckpointError) as refused:
        ask_only(folder)
    told = str(refused.value)
    assert f"{folder}: its weights are quantised ({method})" in told
    assert told.endswith(f"pip install {library.install}")
    assert all(module in told for module in library.modules)


def test_a_library_whose_parent_is_missing_is_missing() -> None:
    assert not quantised._installed("nonesuch_parent.part")
    assert quantised._installed("json.decoder")


def test_every_method_that_transformers_reads_is_known() -> None:
    from transformers.quantizers.auto import AUTO_QUANTIZATION_CONFIG_MAPPING

    assert set(AUTO_QUANTIZATION_CONFIG_MAPPING) - {"gguf"} <= set(LIBRARIES)


BLOCKS: dict[str, tuple[object, Quantisation | None]] = {
    "none": (None, None),
    "by its method": ({"quant_method": "awq", "bits": 4}, Quantisation("awq")),
    "four bits": (
        {"quant_method": "bitsandbytes", "load_in_4bit": True},
        Quantisation("bitsandbytes_4bit"),
    ),
    "eight bits of old": ({"load_in_8bit": True}, Quantisation("bitsandbytes_8bit")),
    "in blocks": (
        {"quant_method": "fp8", "weight_block_size": [32, 64]},
        Quantisation("fp8", (32, 64)),
    ),
    "blocks in words": (
        {"quant_method": "fp8", "weight_block_size": "big"},
        Quantisation("fp8"),
    ),
}


@pytest.mark.parametrize("kind", BLOCKS)
def test_what_a_configuration_says(kind: str, tiny_llama: Path, tmp_path: Path) -> None:
    block, expected = BLOCKS[kind]
    assert quantisation_of(with_block(tiny_llama, tmp_path / "m", block)) == expected


def test_a_block_in_the_text_part_counts(tmp_path: Path) -> None:
    config = {"text_config": {"quantization_config": {"quant_method": "torchao"}}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert quantisation_of(tmp_path) == Quantisation("torchao")


@pytest.mark.parametrize("block", [{}, {"quant_method": 4}, {"bits": 4}, [], "awq"])
def test_a_block_that_says_nothing_is_refused(
    block: object, tiny_llama: Path, tmp_path: Path
) -> None:
    folder = with_block(tiny_llama, tmp_path / "m", block)
    with pytest.raises(CheckpointError, match="quantization_config"):
        ask_only(folder)


def test_an_unknown_method_on_plain_numbers_is_loaded_and_noted(
    tiny_llama: Path, tmp_path: Path
) -> None:
    model = ask_only(with_block(tiny_llama, tmp_path / "m", {"quant_method": "nonesuch"}))
    assert "a quantisation that is not known here (nonesuch)" in load_notes(model)[-1]
    stored = load_file(tiny_llama / "model.safetensors")
    assert all(torch.equal(model.state_dict()[name], tensor) for name, tensor in stored.items())


def test_the_fingerprint_is_that_of_the_packed_files(tiny_llama: Path, tmp_path: Path) -> None:
    plain = resolve(str(tiny_llama))
    one = resolve(str(with_block(tiny_llama, tmp_path / "one", {"quant_method": "awq"})))
    other = resolve(str(with_block(tiny_llama, tmp_path / "two", {"quant_method": "gptq"})))
    assert len({plain.fingerprint, one.fingerprint, other.fingerprint}) == 3
    assert plain.weights == one.weights == other.weights


@pytest.fixture
def square_llama(tmp_path: Path) -> Path:
    """A model whose sides are multiples of the blocks of all libraries."""
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = models.save(tmp_path / "square", "llama")
    torch.manual_seed(0)
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 4, "vocab_size": models.VOCABULARY}
    ends = {"bos_token_id": None, "eos_token_id": models.END, "pad_token_id": models.END}
    LlamaForCausalLM(LlamaConfig(**sizes, **heads, **ends)).save_pretrained(folder)
    return folder


def quantise(base: Path, folder: Path, settings: Any) -> Path:
    """A model saved by the library of its kind of quantisation."""
    from transformers import AutoModelForCausalLM

    shutil.copytree(base, folder)
    (folder / "model.safetensors").unlink()
    load: Callable[..., Any] = AutoModelForCausalLM.from_pretrained
    load(base, quantization_config=settings, device_map={"": "cpu"}).save_pretrained(folder)
    return folder


def by_bitsandbytes(base: Path, folder: Path) -> Path:
    pytest.importorskip("bitsandbytes")
    from transformers import BitsAndBytesConfig

    settings: Callable[..., Any] = BitsAndBytesConfig
    return quantise(base, folder, settings(load_in_8bit=True))


def by_bitsandbytes_4(base: Path, folder: Path) -> Path:
    pytest.importorskip("bitsandbytes")
    from transformers import BitsAndBytesConfig

    settings: Callable[..., Any] = BitsAndBytesConfig
    return quantise(base, folder, settings(load_in_4bit=True, bnb_4bit_quant_type="nf4"))


def by_torchao(base: Path, folder: Path) -> Path:
    quantization = pytest.importorskip("torchao.quantization")
    from transformers import TorchAoConfig

    settings: Callable[..., Any] = TorchAoConfig
    return quantise(base, folder, settings(quantization.Int8WeightOnlyConfig()))


MAKERS = {
    "bitsandbytes, 8 bits": by_bitsandbytes,
    "bitsandbytes, 4 bits": by_bitsandbytes_4,
    "torchao": by_torchao,
    "compressed-tensors": by_compressed_tensors,
}
"""Each skipped where its library is not installed."""


@pytest.mark.parametrize("kind", MAKERS)
def test_a_real_quantised_checkpoint_is_asked_and_never_changed(
    kind: str, square_llama: Path, tmp_path: Path
) -> None:
    folder = MAKERS[kind](square_llama, tmp_path / "m")
    engine = TransformersEngine(str(folder), EngineOptions(device="cpu", dtype="float32"))
    assert any("stay quantised" in note for note in engine.info.notes)
    assert any("compared with the files by value" in note for note in engine.info.notes)
    with pytest.raises(CheckpointError, match="cannot be trained or changed"):
        load_model(resolve(str(folder)), CPU, torch.float32)


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("change", ["absent", "added", "renamed"])
def test_a_quantised_checkpoint_that_is_not_whole_is_refused(
    kind: str, change: str, square_llama: Path, tmp_path: Path
) -> None:
    folder = MAKERS[kind](square_llama, tmp_path / "m")
    path = folder / "model.safetensors"
    tensors = dict(load_file(path))
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    norm = tensors.pop("model.norm.weight")
    new = {
        "absent": {},
        "added": {"x.weight": norm.clone()},
        "renamed": {"model.norms.weight": norm},
    }
    kept = {"model.norm.weight": norm} if change == "added" else {}
    save_file({**tensors, **new[change], **kept}, path, metadata=metadata)
    with pytest.raises(CheckpointError, match=r"missing from the files|have no place"):
        ask_only(folder)


@pytest.mark.parametrize("kind", MAKERS)
def test_plain_tensors_of_a_quantised_checkpoint_are_compared_by_value(
    kind: str, square_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = MAKERS[kind](square_llama, tmp_path / "m")
    real: Any = loading.AutoModelForCausalLM.from_pretrained

    def spoilt(*given: Any, **named: Any) -> Any:
        model, info = real(*given, **named)
        with torch.no_grad():
            model.model.norm.weight.add_(0.5)
        return model, info

    monkeypatch.setattr(loading.AutoModelForCausalLM, "from_pretrained", spoilt)
    with pytest.raises(CheckpointError, match=r"other values than the file's: model\.norm\.weight"):
        ask_only(folder)
