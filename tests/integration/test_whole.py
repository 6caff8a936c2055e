"""A checkpoint is loaded whole or refused: every tensor accounted for, none made up."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from tests import models
from unlearnbench.checkpoints.resolve import resolve
from unlearnbench.engines.transformers.loading import load_model, load_notes
from unlearnbench.errors import CheckpointError

Tensors = dict[str, torch.Tensor]
CPU = torch.device("cpu")


def changed(
    source: Path, target: Path, tensors: Callable[[Tensors], Tensors] | None = None, **config: Any
) -> Path:
    """A copy of a model with other tensors or other fields of its configuration."""
    shutil.copytree(source, target)
    if tensors is not None:
        path = target / "model.safetensors"
        new = {name: t.contiguous().clone() for name, t in tensors(load_file(path)).items()}
        path.unlink()
        save_file(new, path, metadata={"format": "pt"})
    path = target / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **config}))
    return target


def load(folder: Path, dtype: torch.dtype = torch.float32) -> Any:
    return load_model(resolve(str(folder)), CPU, dtype)[0]


def without(*parts: str) -> Callable[[Tensors], Tensors]:
    return lambda t: {n: v for n, v in t.items() if not any(part in n for part in parts)}


def prefixed(prefix: str) -> Callable[[Tensors], Tensors]:
    return lambda t: {prefix + n: v for n, v in t.items()}


def also(**more: torch.Tensor) -> Callable[[Tensors], Tensors]:
    return lambda t: {**t, **{n.replace("__", "."): v for n, v in more.items()}}


def cast(part: str, dtype: torch.dtype) -> Callable[[Tensors], Tensors]:
    return lambda t: {n: v.to(dtype) if part in n else v for n, v in t.items()}


NORM = "model.layers.1.input_layernorm.weight"
REFUSED: dict[str, tuple[Callable[[Tensors], Tensors] | None, dict[str, Any], str]] = {
    "an untied head is absent": (without("lm_head"), {}, "missing from the files: lm_head.weight"),
    "head and embedding are absent": (
        without("lm_head", "embed"),
        {"tie_word_embeddings": True},
        "missing from the files",
    ),
    "the body alone": (
        lambda t: {n.removeprefix("model."): v for n, v in without("lm_head")(t).items()},
        {},
        "lm_head.weight",
    ),
    "torch.compile's prefix": (prefixed("_orig_mod."), {}, "_orig_mod.lm_head.weight"),
    "data parallel's prefix": (prefixed("module."), {}, "module.lm_head.weight"),
    "PEFT's prefix": (prefixed("base_model.model."), {}, "base_model.model.lm_head"),
    "one layer under a prefix": (
        lambda t: {("_orig_mod." + n if ".1." in n else n): v for n, v in t.items()},
        {},
        "9 tensors",
    ),
    "a layer is absent": (without(".layers.1."), {}, "9 tensors of the model are missing"),
    "a norm is absent": (without(NORM), {}, NORM),
    "the configuration has fewer layers": (
        None,
        {"num_hidden_layers": 2},
        r"no place.*: model\.layers\.2",
    ),
    "the configuration has more layers": (None, {"num_hidden_layers": 4}, r"missing.*layers\.3"),
    "the configuration has biases": (None, {"attention_bias": True}, "12 tensors"),
    "a bias that nothing adds": (
        also(model__layers__0__self_attn__q_proj__bias=torch.ones(64)),
        {},
        "no place in the model: model.layers.0.self_attn.q_proj.bias",
    ),
    "a value head": (also(v_head__weight=torch.ones(1, 64)), {}, "v_head.weight"),
    "a tensor under two names": (
        lambda t: {**t, NORM.removeprefix("model."): t[NORM] * 2},
        {},
        "one tensor of the model",
    ),
    "scales that nothing reads": (
        also(model__layers__0__self_attn__q_proj__weight_scale_inv=torch.ones(1, 1)),
        {},
        "quantisation scales",
    ),
    "packed integers": (
        lambda t: {n.replace("proj.weight", "proj.qweight"): v for n, v in t.items()},
        {},
        "qweight",
    ),
    "eight-bit floats": (cast("proj", torch.float8_e4m3fn), {}, "F8_E4M3"),
    "integers": (cast("down_proj", torch.int8), {}, r"quantised type .*\(I8\)"),
    "another shape": (also(model__norm__weight=torch.ones(65)), {}, r"\[65\] in the file, \[64\]"),
    "another width": (None, {"intermediate_size": 80}, "another shape"),
    "an absurd vocabulary": (None, {"vocab_size": 10**9}, "a larger model"),
    "absurdly many layers": (None, {"num_hidden_layers": 10**8}, "a larger model"),
    "no heads": (None, {"num_attention_heads": 0}, "config.json: cannot be used"),
    "heads in words": (None, {"num_attention_heads": "four"}, "expected int, got str"),
    "an unknown architecture": (None, {"model_type": "nonesuch"}, "nonesuch"),
    "quantised without its library": (
        None,
        {"quantization_config": {"quant_method": "hqq"}},
        "its weights are quantised .hqq.",
    ),
    "weights in a file that the configuration names": (
        None,
        {"transformers_weights": "pytorch_model.bin"},
        "transformers_weights",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_model_that_is_not_whole_is_refused(kind: str, tiny_llama: Path, tmp_path: Path) -> None:
    tensors, config, told = REFUSED[kind]
    folder = changed(tiny_llama, tmp_path / "model", tensors, **config)
    with pytest.raises(CheckpointError, match=told) as refused:
        load(folder)
    assert "\n" not in str(refused.value)


def eight_bit(scales: bool) -> Callable[[Tensors], Tensors]:
    def change(tensors: Tensors) -> Tensors:
        new = cast("proj", torch.float8_e4m3fn)(tensors)
        for name in [n for n in new if "proj" in n and scales]:
            rows, columns = (-(-side // 32) for side in new[name].shape)
            new[f"{name}_scale_inv"] = torch.full((rows, columns), 2.0)
        return new

    return change


FP8 = {"quant_method": "fp8", "weight_block_size": [32, 32], "activation_scheme": "dynamic"}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_eight_bit_weights_are_read_with_their_scales(
    dtype: torch.dtype, tiny_llama: Path, tmp_path: Path
) -> None:
    folder = changed(tiny_llama, tmp_path / "m", eight_bit(True), quantization_config=FP8)
    name = "model.layers.1.mlp.up_proj.weight"
    stored = load_file(tiny_llama / "model.safetensors")[name].to(torch.float8_e4m3fn)
    model = load(folder, dtype)
    assert model.state_dict()[name].dtype == dtype
    assert torch.equal(model.state_dict()[name], (stored.float() * 2).to(dtype))
    model(input_ids=torch.tensor([[1, 2, 3]]))


@pytest.mark.parametrize("method", [FP8, {"quant_method": "nonesuch"}])
def test_eight_bit_weights_without_scales_are_refused(
    method: dict[str, Any], tiny_llama: Path, tmp_path: Path
) -> None:
    folder = changed(tiny_llama, tmp_path / "m", eight_bit(False), quantization_config=method)
    with pytest.raises(CheckpointError, match="not read with their scales"):
        load(folder)


def test_values_too_large_for_the_data_type_are_refused(tiny_llama: Path, tmp_path: Path) -> None:
    folder = changed(tiny_llama, tmp_path / "m", lambda t: {n: v * 1e6 for n, v in t.items()})
    with pytest.raises(CheckpointError, match="too large for float16"):
        load(folder, torch.float16)
    load(folder, torch.bfloat16)


TIED = {"tie_word_embeddings": True}
ACCEPTED: dict[str, tuple[Callable[[Tensors], Tensors] | None, dict[str, Any]]] = {
    "as it is": (None, {}),
    "a tied head that is absent": (without("lm_head"), TIED),
    "a tied embedding that is absent": (without("embed"), TIED),
    "the body of a tied model": (
        lambda t: {n.removeprefix("model."): v for n, v in without("lm_head")(t).items()},
        TIED,
    ),
    "a tied head that is there twice": (
        lambda t: {**t, "lm_head.weight": t["model.embed_tokens.weight"]},
        TIED,
    ),
    "old rotary buffers": (
        also(model__layers__0__self_attn__rotary_emb__inv_freq=torch.ones(8)),
        {},
    ),
    "double precision": (cast("", torch.float64), {}),
}


@pytest.mark.parametrize("kind", ACCEPTED)
def test_what_is_absent_by_right_still_loads(kind: str, tiny_llama: Path, tmp_path: Path) -> None:
    tensors, config = ACCEPTED[kind]
    folder = changed(tiny_llama, tmp_path / "model", tensors, **config)
    model = load(folder)
    stored = load_file(folder / "model.safetensors")
    state = model.state_dict()
    known = {"inv_freq"}
    for name, tensor in stored.items():
        own = name if name in state else f"model.{name}"
        assert name.rpartition(".")[2] in known or torch.equal(state[own], tensor.float())
    if config:
        assert torch.equal(state["lm_head.weight"], state["model.embed_tokens.weight"])


def test_a_head_of_its_own_is_used_although_the_configuration_ties_it(
    tiny_llama: Path, tmp_path: Path
) -> None:
    model = load(changed(tiny_llama, tmp_path / "m", None, **TIED))
    stored = load_file(tiny_llama / "model.safetensors")
    assert torch.equal(model.lm_head.weight, stored["lm_head.weight"])
    assert model.config.tie_word_embeddings is False
    assert any("one of its own" in note for note in load_notes(model))


@pytest.mark.parametrize("kind", ["gpt2", "gemma2", "gemma3", "mamba"])
def test_other_architectures_are_accounted_for_too(kind: str, tmp_path: Path) -> None:
    folder = models.save(tmp_path / "whole", kind)
    load(folder)
    names = sorted(load_file(folder / "model.safetensors"))
    for number in (0, len(names) // 2, len(names) - 1):
        part = changed(folder, tmp_path / f"part-{number}", without(names[number]))
        with pytest.raises(CheckpointError, match="missing"):
            load(part)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_tensor_can_be_lost_renamed_or_added(data: st.DataObject, tiny_llama: Path) -> None:
    names = sorted(load_file(tiny_llama / "model.safetensors"))
    name = data.draw(st.sampled_from(names))
    new = data.draw(st.sampled_from([None, f"{name}_", f"a.{name}", name.replace(".", "_")]))

    def spoil(tensors: Tensors) -> Tensors:
        tensor = tensors.pop(name)
        return tensors if new is None else {**tensors, new: tensor}

    target = tiny_llama.parent / "spoilt"
    shutil.rmtree(target, ignore_errors=True)
    with pytest.raises(CheckpointError):
        load(changed(tiny_llama, target, spoil))


def test_two_loads_of_one_fingerprint_are_equal(tiny_llama: Path) -> None:
    one, two = load(tiny_llama).state_dict(), load(tiny_llama).state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_loader_that_makes_values_up_is_found(
    tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoModelForCausalLM

    right = AutoModelForCausalLM.from_pretrained

    def wrong(*arguments: Any, **options: Any) -> Any:
        model, info = right(*arguments, **options)
        with torch.no_grad():
            model.model.layers[1].mlp.up_proj.weight.normal_()
        return model, info

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", wrong)
    with pytest.raises(CheckpointError, match=r"other values.*layers\.1\.mlp\.up_proj"):
        load(tiny_llama)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_loaded_and_noted(
    value: float, tiny_llama: Path, tmp_path: Path
) -> None:
    folder = changed(tiny_llama, tmp_path / "m", also(model__norm__weight=torch.full((64,), value)))
    assert load_notes(load(folder)) == ("its weights hold NaN or infinite values",)


TEXTS = ("", "[]", "null", "{", "5", "[" * 50_000, '{"a":' * 50_000, "\x00", '"text"')


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json"]
)
def test_damaged_json_names_the_file(name: str, tiny_llama: Path, tmp_path: Path) -> None:
    for number, text in enumerate(TEXTS):
        folder = shutil.copytree(tiny_llama, tmp_path / str(number))
        (folder / name).write_text(text)
        with pytest.raises(CheckpointError, match=str(folder)):
            load(folder)


def test_low_memory_is_the_users_to_mend(tiny_llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import AutoModelForCausalLM

    for error in (MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")):

        def fails(*_: Any, error: Exception = error, **__: Any) -> Any:
            raise error

        monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", fails)
        with pytest.raises(CheckpointError, match=r"not enough memory; use a smaller --dtype"):
            load(tiny_llama)
