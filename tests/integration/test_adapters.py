"""Adapters: loaded whole, merged only where that changes nothing, with what they bring."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from peft import LoraConfig
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from tests import models
from tests.integration.test_checkpoints import said
from tests.integration.test_whole import Tensors, changed, without
from unlearnbench.checkpoints.resolve import resolve
from unlearnbench.engines.transformers import adapters
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.engines.transformers.loading import load_model, load_notes
from unlearnbench.errors import CheckpointError
from unlearnbench.types.options import EngineOptions

CPU = torch.device("cpu")
QV = ["q_proj", "v_proj"]
PROMPTS = [[(i * 37 + 5) % 250 for i in range(20)], [(i * 91 + 7) % 250 for i in range(40)]]


@pytest.fixture(scope="module")
def tied_llama(tiny_llama: Path) -> Path:
    """The tiny Llama with one tensor for head and embedding."""
    target = tiny_llama.parent / "tied"
    return changed(tiny_llama, target, without("lm_head"), tie_word_embeddings=True)


def logits(model: Any) -> torch.Tensor:
    model.eval()
    with torch.inference_mode():
        rows = [model(input_ids=torch.tensor([p])).logits[0, -len(p) :] for p in PROMPTS]
    return torch.cat(rows).float()


def make(base: Path, folder: Path, config: Any, tokens: int | None = None) -> torch.Tensor:
    """Save an adapter with random values in every tensor; the logits of the model it makes."""
    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_pretrained(base)
    if tokens is not None:
        model.resize_token_embeddings(tokens)
    adapted = peft.get_peft_model(model, config)
    with torch.no_grad():
        for parameter in adapted.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    adapted.save_pretrained(folder)
    return logits(adapted)


def load(folder: Path, **options: Any) -> Any:
    return load_model(resolve(str(folder)), CPU, torch.float32, **options)[0]


def lora(**options: Any) -> LoraConfig:
    return LoraConfig(task_type="CAUSAL_LM", **{"target_modules": QV, **options})


MERGED: dict[str, Callable[[], Any]] = {
    "LoRA": lora,
    "LoRA without a task": lambda: LoraConfig(target_modules=QV),
    "rsLoRA": lambda: lora(use_rslora=True),
    "DoRA": lambda: lora(use_dora=True),
    "ranks by layer": lambda: lora(layers_to_transform=[1], rank_pattern={"q_proj": 4}),
    "PiSSA": lambda: lora(init_lora_weights="pissa"),
    "head": lambda: lora(target_modules=["lm_head"]),
    "DoRA on the head": lambda: lora(target_modules=["lm_head"], use_dora=True),
    "embedding": lambda: lora(target_modules=["embed_tokens"]),
    "embedding and head": lambda: lora(target_modules=["embed_tokens", "lm_head"]),
    "a head of its own": lambda: lora(modules_to_save=["lm_head"]),
    "an embedding of its own": lambda: lora(modules_to_save=["embed_tokens"]),
    "both of its own": lambda: lora(modules_to_save=["embed_tokens", "lm_head"]),
    "trained tokens": lambda: lora(trainable_token_indices=[5, 7, 42]),
    "IA3": lambda: peft.IA3Config(
        task_type="CAUSAL_LM", target_modules=["k_proj", "down_proj"], feedforward_modules=[]
    ),
    "a shared bank": lambda: peft.VBLoRAConfig(
        task_type="CAUSAL_LM", target_modules=QV, vector_length=16, num_vectors=20
    ),
}


@pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
@pytest.mark.parametrize("kind", MERGED)
def test_a_merged_adapter_answers_as_it_was_trained(
    kind: str, tied: bool, tiny_llama: Path, tied_llama: Path, tmp_path: Path
) -> None:
    base = tied_llama if tied else tiny_llama
    expected = make(base, tmp_path / "a", MERGED[kind]())
    model = load(tmp_path / "a")
    assert not isinstance(model, peft.PeftModel)
    torch.testing.assert_close(logits(model), expected, rtol=1e-4, atol=1e-4)
    # What is saved after a merge is what was merged.
    model.save_pretrained(tmp_path / "merged")
    models.tokenizer().save_pretrained(tmp_path / "merged")
    torch.testing.assert_close(logits(load(tmp_path / "merged")), expected, rtol=1e-4, atol=1e-4)


UNMERGED: dict[str, Callable[[], Any]] = {
    "prompt tuning": lambda: peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=4),
    "prefix tuning": lambda: peft.PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=4),
    "p-tuning": lambda: peft.PromptEncoderConfig(
        task_type="CAUSAL_LM", num_virtual_tokens=4, encoder_hidden_size=16
    ),
    "a bias where the base has none": lambda: lora(lora_bias=True),
    "an invocation": lambda: lora(alora_invocation_tokens=[3, 4]),
}


@pytest.mark.parametrize("kind", UNMERGED)
def test_an_adapter_that_cannot_be_merged_runs_beside_its_base(
    kind: str, tiny_llama: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "adapter"
    expected = make(tiny_llama, folder, UNMERGED[kind]())
    model = load(folder, unmerged=True)
    assert torch.equal(logits(model), expected)
    assert any("runs unmerged" in note for note in load_notes(model))
    with pytest.raises(CheckpointError, match="only `score` asks such a model"):
        load(folder)


def test_virtual_tokens_change_what_is_said(tiny_llama: Path, tmp_path: Path) -> None:
    make(tiny_llama, tmp_path / "tuned", UNMERGED["prompt tuning"]())
    texts = said(tmp_path / "tuned")
    assert len(texts) == 4
    assert texts != said(tiny_llama)


def test_a_merge_that_changes_the_answers_is_not_used(
    tied_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without memory of its own, a merged head changes the embedding of a tied base too."""
    expected = make(tied_llama, tmp_path / "a", lora(target_modules=["lm_head"]))
    monkeypatch.setattr(adapters, "_separate", lambda adapted: None)
    model = load(tmp_path / "a", unmerged=True)
    assert any("merged, its logits differ by" in note for note in load_notes(model))
    torch.testing.assert_close(logits(model), expected, rtol=1e-4, atol=1e-4)


def altered(
    adapter: Path, target: Path, tensors: Callable[[Tensors], Tensors] | None = None, **config: Any
) -> Path:
    shutil.copytree(adapter, target)
    if tensors is not None:
        path = target / "adapter_model.safetensors"
        new = {name: t.contiguous().clone() for name, t in tensors(load_file(path)).items()}
        path.unlink()
        save_file(new, path)
    path = target / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **config}))
    return target


K_PROJ = "base_model.model.model.layers.0.self_attn.k_proj.lora_A.weight"
REFUSED: dict[str, tuple[Callable[[Tensors], Tensors] | None, dict[str, Any], str]] = {
    "half of it": (without(".1."), {}, "4 tensors are missing from it"),
    "one side of it": (without("lora_A"), {}, "6 tensors are missing from it"),
    "another prefix": (
        lambda t: {n.replace(".model.", ".model._orig_mod.", 1): v for n, v in t.items()},
        {},
        "12 tensors are missing.*12 have no place",
    ),
    "one module more": (lambda t: {**t, K_PROJ: torch.ones(8, 64)}, {}, f"no place.*{K_PROJ}"),
    "another rank": (None, {"r": 4}, "size mismatch"),
    "fewer targets": (None, {"target_modules": ["q_proj"]}, "6 have no place"),
    "more targets": (None, {"target_modules": [*QV, "k_proj"]}, r"missing.*k_proj"),
    "targets of another model": (None, {"target_modules": ["query"]}, "not found in the base"),
    "a module that is not there": (None, {"modules_to_save": ["lm_head"]}, "lm_head"),
    "tokens beyond the base": (None, {"trainable_token_indices": [9999]}, "its base has 260"),
    "an unknown kind": (None, {"peft_type": "NOPE"}, "NOPE"),
    "a kind that names others": (None, {"peft_type": "XLORA"}, "X-LoRA"),
    "another task": (None, {"task_type": "SEQ_CLS"}, "not for writing text"),
    "a start by chance": (None, {"init_lora_weights": "pissa_niter_4"}, "changes the base"),
    "a rank in words": (None, {"r": "eight"}, "cannot be put on its base"),
    "itself as its base": (None, {"base_model_name_or_path": "../adapter"}, "no such folder"),
    "no base": (None, {"base_model_name_or_path": ["x"]}, "empty or no text"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_an_adapter_that_is_not_whole_is_refused(
    kind: str, tiny_llama: Path, tmp_path: Path
) -> None:
    tensors, config, told = REFUSED[kind]
    make(tiny_llama, tmp_path / "whole", lora())
    folder = altered(tmp_path / "whole", tmp_path / "adapter", tensors, **config)
    with pytest.raises(CheckpointError, match=told) as refused:
        load(folder, unmerged=True)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_an_adapter_of_no_numbers_is_not_refused(
    value: float, tiny_llama: Path, tmp_path: Path
) -> None:
    make(tiny_llama, tmp_path / "whole", lora())
    folder = altered(
        tmp_path / "whole", tmp_path / "a", lambda t: {n: v * value for n, v in t.items()}
    )
    engine = TransformersEngine(str(folder), EngineOptions(dtype="float32"))
    assert any("NaN or infinite" in note for note in engine.notes)
    assert said(folder) == []


def test_fields_that_this_version_drops_are_named(tiny_llama: Path, tmp_path: Path) -> None:
    make(tiny_llama, tmp_path / "whole", lora())
    folder = altered(tmp_path / "whole", tmp_path / "a", use_a_later_idea=True)
    assert any("use_a_later_idea" in note for note in load_notes(load(folder)))


@pytest.mark.parametrize(
    ("config", "whole"),
    [
        (lambda: lora(modules_to_save=["embed_tokens", "lm_head"]), True),
        (lora, True),
        (lambda: lora(trainable_token_indices=list(range(260, 270))), True),
        (lambda: lora(target_modules=["lm_head"]), False),
    ],
    ids=["saved", "saved by itself", "trained tokens", "the head only"],
)
def test_the_base_grows_with_the_adapters_vocabulary(
    config: Callable[[], Any], whole: bool, tiny_llama: Path, tmp_path: Path
) -> None:
    expected = make(tiny_llama, tmp_path / "a", config(), tokens=270)
    larger = models.tokenizer()
    larger.add_tokens([f"<new-{i}>" for i in range(13)])
    larger.save_pretrained(tmp_path / "a")
    if not whole:
        with pytest.raises(CheckpointError, match="does not bring all rows of the new ones"):
            load(tmp_path / "a")
        return
    torch.testing.assert_close(logits(load(tmp_path / "a")), expected, rtol=1e-4, atol=1e-4)


def test_an_adapters_own_tokenizer_and_template_are_used(tiny_llama: Path, tmp_path: Path) -> None:
    make(tiny_llama, tmp_path / "a", lora())
    before = resolve(str(tmp_path / "a")).fingerprint
    template = "own: {% for m in messages %}{{ m.content }}{% endfor %}"
    (tmp_path / "a" / "chat_template.jinja").write_text(template)
    found = resolve(str(tmp_path / "a"))
    assert load_model(found, CPU, torch.float32)[1].chat_template == template
    assert found.fingerprint != before
    own = models.tokenizer()
    own.add_tokens(["<new>"])
    own.save_pretrained(tmp_path / "a")
    assert len(load_model(resolve(str(tmp_path / "a")), CPU, torch.float32)[1]) == len(own)


def test_tokens_without_an_embedding_are_refused_unless_no_prompt_uses_them(
    tiny_llama: Path, tmp_path: Path
) -> None:
    make(tiny_llama, tmp_path / "a", lora())
    own = models.tokenizer()
    own.add_tokens([f"<new-{i}>" for i in range(3)])
    own.add_special_tokens({"pad_token": "[PAD]"})
    own.save_pretrained(tmp_path / "a")
    assert any("no embedding: [PAD]" in note for note in load_notes(load(tmp_path / "a")))
    own.add_tokens(["<word>"])
    own.save_pretrained(tmp_path / "a")
    with pytest.raises(CheckpointError, match=r"no embedding in the model.*<word>"):
        load(tmp_path / "a")


def test_an_adapter_may_stand_on_another(tiny_llama: Path, tmp_path: Path) -> None:
    make(tiny_llama, tmp_path / "one", lora())
    below = tmp_path / "below"
    load(tmp_path / "one").save_pretrained(below)
    models.tokenizer().save_pretrained(below)
    expected = make(below, tmp_path / "on-merged", lora(target_modules=["down_proj"]))
    upper = altered(
        tmp_path / "on-merged", tmp_path / "two", base_model_name_or_path=str(tmp_path / "one")
    )
    torch.testing.assert_close(logits(load(upper)), expected, rtol=1e-4, atol=1e-4)
