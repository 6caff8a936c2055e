"""Every kind of checkpoint a user can name, whole and damaged."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import torch

from tests import models
from unlearnbench.checkpoints.aliases import ALIASES
from unlearnbench.checkpoints.gguf import dequantised
from unlearnbench.checkpoints.resolve import resolve
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.errors import CheckpointError
from unlearnbench.types import Completion, EngineOptions, Probe, ProbeKey, Sampling


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def make_adapter(base: Path, folder: Path) -> Path:
    """A LoRA adapter on `base` that changes what it says."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_pretrained(base)
    lora = get_peft_model(model, LoraConfig(r=4, target_modules=["q_proj", "v_proj", "down_proj"]))
    with torch.no_grad():
        for name, parameter in lora.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.5)
    lora.save_pretrained(folder)
    return folder


def said(checkpoint: Path) -> list[str]:
    engine = TransformersEngine(str(checkpoint), EngineOptions(dtype="float32"))
    probes = [
        Probe(
            key=ProbeKey(f"fact-{number}", "original", "plain"),
            split="forget",
            topic="t",
            tier=None,
            question="q",
            answer="a",
            aliases=(),
            text=f"{number} bottles of beer",
        )
        for number in range(4)
    ]
    found = {r.key: r for r in engine.generate(probes, Sampling(12))}
    results = [found[p.key] for p in probes]
    return [r.text for r in results if isinstance(r, Completion)]


def test_an_adapter_is_merged_into_the_base_it_names(tmp_path: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = models.save(tmp_path / "base", "llama")
    adapter = make_adapter(base, tmp_path / "adapter")
    whole = tmp_path / "merged"
    shutil.copytree(base, whole)
    merged = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter)
    merged.merge_and_unload().save_pretrained(whole)  # type: ignore[operator]
    assert said(adapter) == said(whole) != said(base)
    found = resolve(str(adapter))
    assert found.adapters == (adapter,)
    assert "adapter on base" in (found.note or "")
    others = {resolve(str(base)).fingerprint, resolve(str(whole)).fingerprint}
    assert found.fingerprint not in others


def test_an_adapter_without_its_base_is_refused(tmp_path: Path) -> None:
    base = models.save(tmp_path / "base", "llama")
    adapter = make_adapter(base, tmp_path / "adapter")
    config = json.loads((adapter / "adapter_config.json").read_text())
    for named, told in ((None, "empty"), (str(tmp_path / "gone"), "no checkpoint")):
        config["base_model_name_or_path"] = named
        (adapter / "adapter_config.json").write_text(json.dumps(config))
        with pytest.raises(CheckpointError, match=told):
            resolve(str(adapter))


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    folder = models.save(tmp_path / "model", "llama")
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match="model-00002-of-00002"):
        resolve(str(folder))


def test_the_fingerprint_is_that_of_the_contents(tmp_path: Path) -> None:
    one = models.save(tmp_path / "one", "llama")
    two = tmp_path / "two"
    shutil.copytree(one, two)
    (two / "README.md").write_text("a card decides nothing")
    os.utime(two / "model.safetensors", (0, 0))
    assert resolve(str(one)).fingerprint == resolve(str(two)).fingerprint
    weights = bytearray((two / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (two / "model.safetensors").write_bytes(weights)
    assert resolve(str(one)).fingerprint != resolve(str(two)).fingerprint


@pytest.mark.parametrize("name", ["smollm2-135", "Smollm2-135m"])
def test_an_unknown_alias_gets_the_nearest(name: str) -> None:
    with pytest.raises(CheckpointError, match="did you mean 'smollm2-135m'"):
        resolve(name)


def test_a_hub_id_without_a_network_says_what_else_can_be_given(offline: None) -> None:
    with pytest.raises(CheckpointError, match=r"somebody/model: .*a local folder"):
        resolve("somebody/model")


def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNLEARNBENCH_CACHE", str(tmp_path / "cache"))
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"GGUF but not really")
    with pytest.raises(CheckpointError, match=r"bad\.gguf"):
        resolve(str(bad))
    with pytest.raises(CheckpointError, match="expected 000000000000"):
        dequantised(bad, "0" * 64)
    left = [p.name for p in (tmp_path / "cache").rglob("*")]
    assert left in ([], ["gguf"])


@pytest.mark.model
def test_a_damaged_cache_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: None
) -> None:
    monkeypatch.setenv("UNLEARNBENCH_CACHE", str(tmp_path))
    first = resolve("smollm2-135m")
    weights = first.folder / "model.safetensors"
    with weights.open("r+b") as file:
        file.seek(-8, os.SEEK_END)
        file.write(b"\xff" * 8)
    again = resolve("smollm2-135m")
    assert again.fingerprint == first.fingerprint
    assert [p.name for p in (tmp_path / "gguf").iterdir()] == [first.folder.name]


def test_every_alias_pins_its_file() -> None:
    assert all(len(alias.sha256) == 64 for alias in ALIASES.values())
