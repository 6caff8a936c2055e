"""A model spread over several places says what it says in one, and is compared with its files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests import models
from unlearnbench.checkpoints.resolve import resolve
from unlearnbench.engines.transformers import loading, placing
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.engines.transformers.loading import load_model
from unlearnbench.engines.transformers.placing import devices_of, first_device, read_device_map
from unlearnbench.errors import CheckpointError, EngineError, MissingExtraError
from unlearnbench.types import Completion, Message, Probe, ProbeKey, Sampling
from unlearnbench.types.options import EngineOptions

CPU = torch.device("cpu")
ENDS = {"model.embed_tokens": "cpu", "model.norm": "cpu", "model.rotary_emb": "cpu"}
SPLIT = {
    **ENDS,
    "model.layers.0": "cpu",
    "model.layers.1": "disk",
    "model.layers.2": "cpu",
    "lm_head": "disk",
}
ALL_ON_DISK = {"": "disk"}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNLEARNBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def probe(number: int) -> Probe:
    return Probe(
        key=ProbeKey(f"fact-{number}", "original", "plain"),
        split="forget",
        topic="t",
        tier=None,
        question="q",
        answer="a",
        aliases=(),
        examples=(),
        messages=(Message("user", "hello " * number),),
        text=None,
    )


def said(engine: TransformersEngine) -> dict[str, str]:
    results = engine.generate([probe(n) for n in range(1, 4)], Sampling(max_new_tokens=8))
    return {str(r.key): r.text for r in results if isinstance(r, Completion)}


def engine_for(folder: Path, device_map: object, dtype: str = "float32") -> TransformersEngine:
    text = device_map if isinstance(device_map, str | None) else json.dumps(device_map)
    return TransformersEngine(str(folder), EngineOptions(device_map=text, dtype=dtype))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    ("device_map", "note", "decoder"),
    [
        pytest.param("cpu", "parts on cpu", "packed", id="one device"),
        pytest.param("auto", "device map auto: parts on", "packed", id="auto"),
        pytest.param(SPLIT, "parts on cpu (5), disk (2)", "plain", id="cpu and disk"),
        pytest.param(ALL_ON_DISK, "parts on disk (1)", "plain", id="disk"),
    ],
)
def test_a_spread_model_says_what_it_says_in_one_place(
    device_map: object, note: str, decoder: str, dtype: str, tiny_llama: Path
) -> None:
    engine = engine_for(tiny_llama, device_map, dtype)
    assert said(engine) == said(engine_for(tiny_llama, None, dtype))
    assert any(note in one for one in engine.info.notes)
    assert engine.info.settings["decoder"] == decoder
    assert any("its layers lie on" in one for one in engine.info.notes) == (decoder == "plain")


@pytest.mark.parametrize("kind", ["gpt2", "gemma3"])
def test_other_architectures_are_spread_too(kind: str, tmp_path: Path) -> None:
    folder = models.save(tmp_path / "m", kind)
    assert said(engine_for(folder, ALL_ON_DISK)) == said(engine_for(folder, None))


def test_a_tied_head_on_the_disk_is_no_missing_tensor(tiny_llama: Path, tmp_path: Path) -> None:
    folder = tied(tiny_llama, tmp_path / "tied")
    assert said(engine_for(folder, ALL_ON_DISK)) == said(engine_for(folder, None))


def tied(source: Path, target: Path) -> Path:
    import shutil

    shutil.copytree(source, target)
    config = json.loads((target / "config.json").read_text())
    (target / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": True}))
    tensors = load_file(target / "model.safetensors")
    del tensors["lm_head.weight"]
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    return target


@pytest.mark.parametrize("part", ["model.layers.1.mlp.up_proj.weight", "model.norm.weight"])
def test_values_that_wait_elsewhere_are_compared_with_the_files(
    part: str, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = placing.load_offloaded_parameter

    def spoilt(model: Any, name: str) -> torch.Tensor:
        tensor = real(model, name)
        return tensor + 1 if name == part else tensor

    monkeypatch.setattr(placing, "load_offloaded_parameter", spoilt)
    with pytest.raises(CheckpointError, match=f"other values than the file's: {part}"):
        engine_for(tiny_llama, ALL_ON_DISK)


def test_an_adapter_is_not_put_on_weights_that_are_elsewhere(
    tiny_llama: Path, tmp_path: Path
) -> None:
    from peft import LoraConfig, get_peft_model

    model: Any = models.build("llama")
    made: Any = get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj"]))
    made.peft_config["default"].base_model_name_or_path = str(tiny_llama)
    made.save_pretrained(tmp_path / "adapter")
    with pytest.raises(EngineError, match="adapter cannot be put on a base whose weights are off"):
        load_model(resolve(str(tmp_path / "adapter")), CPU, torch.float32, device_map=ALL_ON_DISK)
    load_model(resolve(str(tmp_path / "adapter")), CPU, torch.float32, device_map="auto")


def test_the_folder_of_offloaded_weights_goes_with_the_model(tiny_llama: Path, cache: Path) -> None:
    model: Any = load_model(resolve(str(tiny_llama)), CPU, torch.float32, device_map=SPLIT)[0]
    place = placing.OffloadFolder()
    place.path.mkdir()
    place.keep_for(model)
    del model
    import gc

    gc.collect()
    assert list((cache / "offload").iterdir()) == []


REFUSED = {
    "cup": "no way to place a model; did you mean 'cpu'",
    "disk": "no way to place a model",
    "": "no way to place a model",
    "{": "not readable as JSON",
    "{}": "names no part",
    '{"": "gpu"}': "'gpu' is no place",
    '{"": -1}': "-1 is no place",
    '{"": true}': "True is no place",
    '{"": null}': "None is no place",
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_map_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(EngineError, match=REFUSED[text]):
        read_device_map(text)


def test_a_gpu_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert first_device({"a": "cpu", "b": 1, "c": "disk"}) == "cuda:1"
    with pytest.raises(EngineError, match="cuda:2 is not there; GPUs of this machine: 2"):
        first_device({"a": 0, "b": "cuda:2"})


def test_the_device_of_prompts_is_the_first_that_computes() -> None:
    model: Any = models.build("llama")
    assert devices_of(model) == [CPU]
    model.hf_device_map = {"a": "disk", "b": "cpu", "c": 1, "d": "cuda:0", "e": 1}
    assert devices_of(model) == [torch.device("cuda:1"), torch.device("cuda:0")]
    assert placing.scattered(model) == "its layers lie on cpu, cuda:0, cuda:1, disk"


def test_device_and_map_do_not_go_together(tiny_llama: Path) -> None:
    with pytest.raises(EngineError, match="leave --device out"):
        TransformersEngine(str(tiny_llama), EngineOptions(device="cpu", device_map="auto"))


def test_accelerate_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="pip install accelerate"):
        read_device_map("auto")


def test_a_map_that_leaves_parts_out_is_one_line(
    tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise ValueError("device_map provided does not give any device for: lm_head")

    monkeypatch.setattr(loading.AutoModelForCausalLM, "from_pretrained", refuse)
    with pytest.raises(CheckpointError, match="does not give any device") as refused:
        engine_for(tiny_llama, SPLIT)
    assert "\n" not in str(refused.value)
