"""Engine `vllm` with the real vLLM: `make test-vllm`, which makes an environment for it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from tests import models
from unlearnbench import load_run, score
from unlearnbench.checkpoints.resolve import resolve
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.errors import EngineError
from unlearnbench.interfaces import Generator
from unlearnbench.types import Completion, Message, Probe, ProbeKey, Sampling
from unlearnbench.types.options import EngineOptions, RunOptions

HERE = importlib.util.find_spec("vllm") is not None
pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(not HERE, reason="vLLM has an environment of its own: make test-vllm"),
]
if HERE:
    from unlearnbench.engines.vllm import twin
    from unlearnbench.engines.vllm.engine import VllmEngine

# Compiling a model takes longer than its few answers here.
EAGER = {"enforce_eager": "true"}
Texts = dict[ProbeKey, tuple[str, str]]


def probe(number: int, sample: int = 0) -> Probe:
    key = ProbeKey(f"f{number}", "original", "plain", sample)
    messages = (Message("user", "hello " * number),)
    return Probe(key, "forget", "t", None, "q", "a", (), (), messages, None)


PROBES = [probe(number) for number in range(1, 6)]


def said(engine: Generator, probes: list[Probe], temperature: float = 0.0, seed: int = 0) -> Texts:
    results = list(engine.generate(probes, Sampling(12, temperature, seed)))
    assert all(isinstance(result, Completion) for result in results), results
    return {r.key: (r.text, r.finish_reason) for r in results if isinstance(r, Completion)}


def in_vllm(folder: Path, dtype: str = "float32", **arguments: str) -> VllmEngine:
    return VllmEngine(str(folder), EngineOptions(dtype=dtype, engine_set=EAGER | arguments))


def here(folder: Path, dtype: str = "float32") -> TransformersEngine:
    return TransformersEngine(str(folder), EngineOptions(dtype=dtype, device="cpu"))


def save(folder: Path, seed: int = 0, window: int = 512) -> Path:
    """A tiny Llama with heads as wide as vLLM's kernels ask for."""
    torch.manual_seed(seed)
    sizes = {"hidden_size": 128, "num_attention_heads": 4, "num_key_value_heads": 2}
    ends: dict[str, Any] = {"bos_token_id": None, "eos_token_id": models.END}
    config = LlamaConfig(
        vocab_size=models.VOCABULARY,
        num_hidden_layers=3,
        intermediate_size=256,
        max_position_embeddings=window,
        pad_token_id=models.END,
        **sizes,
        **ends,
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(3)
    model.eval().save_pretrained(folder)
    tokenizer = models.tokenizer()
    tokenizer.add_tokens([f"<{n}>" for n in range(models.END + 1, models.VOCABULARY)])
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("base") / "m")


@pytest.fixture(scope="module")
def engine(base: Path) -> VllmEngine:
    return in_vllm(base)


def test_greedy_answers_are_those_of_engine_transformers(engine: VllmEngine, base: Path) -> None:
    other = here(base)
    assert engine.info.settings["compared"] is True
    assert engine.prompts_fingerprint(PROBES) == other.prompts_fingerprint(PROBES)
    assert engine.info.surroundings == other.info.surroundings
    first = said(engine, PROBES)
    assert first == said(other, PROBES) == said(engine, PROBES[::-1])


def test_draws_follow_from_seed_and_probe(engine: VllmEngine) -> None:
    draws = [probe(1, sample) for sample in range(4)]
    first = said(engine, draws, 1.0, 5)
    assert first == said(engine, draws[::-1], 1.0, 5)
    assert first != said(engine, draws, 1.0, 6)
    assert len({text for text, _ in first.values()}) == 4


def test_a_model_that_is_not_the_checkpoint_is_found(
    engine: VllmEngine, base: Path, tmp_path: Path
) -> None:
    prompts = engine._first_prompts()
    twin.check_twin(engine.core, resolve(str(base)), torch.float32, prompts)
    target = save(tmp_path / "other")
    tensors = load_file(target / "model.safetensors")
    tensors["model.layers.1.mlp.up_proj.weight"].zero_()
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EngineError, match=r"is not the one in the files: .* nats"):
        twin.check_twin(engine.core, resolve(str(target)), torch.float32, prompts)


def test_an_adapter_beside_its_base(engine: VllmEngine, base: Path, tmp_path: Path) -> None:
    torch.manual_seed(3)
    kind = peft.LoraConfig(
        r=4,
        lora_alpha=16,
        target_modules=["q_proj", "v_proj", "down_proj"],
        rank_pattern={"down_proj": 8},
        task_type="CAUSAL_LM",
    )
    adapted: Any = peft.get_peft_model(AutoModelForCausalLM.from_pretrained(base), kind)
    with torch.no_grad():
        for parameter in adapted.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    adapted.save_pretrained(tmp_path / "lora")
    made = in_vllm(tmp_path / "lora")
    assert made.info.settings["compared"] is True
    assert said(made, PROBES) == said(here(tmp_path / "lora"), PROBES) != said(engine, PROBES)


def test_quantised_weights(base: Path, tmp_path: Path) -> None:
    from tests.quantising import by_compressed_tensors

    folder = by_compressed_tensors(base, tmp_path / "q")
    made = in_vllm(folder, "bfloat16")
    assert made.info.settings["compared"] is False
    assert any("was not compared" in note for note in made.info.notes)
    # Near ties fall either way in bfloat16; the first tokens are none.
    ours, theirs = said(here(folder, "bfloat16"), PROBES), said(made, PROBES)
    assert {key: text[:3] for key, (text, _) in ours.items()} == {
        key: text[:3] for key, (text, _) in theirs.items()
    }


def test_a_model_cut_in_two(base: Path) -> None:
    cut = in_vllm(base, tensor_parallel_size="2")
    assert cut.info.settings["vllm_arguments"] == "enforce_eager=True tensor_parallel_size=2"
    assert said(cut, PROBES) == said(here(base), PROBES)


def test_an_argument_that_vllm_refuses(base: Path) -> None:
    with pytest.raises(EngineError, match=r"vLLM cannot load it: .*max_num_batched_tokens"):
        in_vllm(base, max_num_batched_tokens="-5")


def test_a_real_model_is_scored_and_resumed(tmp_path: Path) -> None:
    options = EngineOptions(dtype="float32", engine_set=EAGER)
    out = RunOptions(tmp_path / "run")
    kinds = {"engine": "vllm", "engine_options": options, "profile": "quick", "limit": 1}
    run = score("smollm2-135m", "wkf", run_options=out, **kinds)  # type: ignore[arg-type]
    plain = score(
        "smollm2-135m",
        "wkf",
        profile="quick",
        limit=1,
        engine_options=EngineOptions(dtype="float32", device="cpu"),
        run_options=RunOptions(tmp_path / "plain"),
    )
    assert [row.text for row in run.rows()] == [row.text for row in plain.rows()]
    assert run.record.identity.prompts == plain.record.identity.prompts
    record = load_run(tmp_path / "run").record
    assert record.generator.engine == "vllm"
    assert record.generator.settings["vllm"].startswith("0.")
    assert record.generator.settings["vllm_arguments"] == "enforce_eager=True"
