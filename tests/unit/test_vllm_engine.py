"""Engine `vllm` where something is amiss: what it refuses, and what becomes of lost answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from tests import models
from tests.fake_vllm import FakeVllm
from unlearnbench.api.engines import engine_for
from unlearnbench.checkpoints.resolve import resolve
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.engines.vllm import build, twin
from unlearnbench.engines.vllm.arguments import ALLOWED, read_arguments, spelt
from unlearnbench.engines.vllm.engine import VllmEngine
from unlearnbench.engines.vllm.lora import lora_of
from unlearnbench.errors import EngineError, UnlearnbenchError
from unlearnbench.runs.identity import was_not_compared
from unlearnbench.types import Completion, Failure, Message, Probe, ProbeKey, Sampling
from unlearnbench.types.options import EngineOptions

WORDS = [ord("a") - 33, ord("b") - 33]
"""Two tokens of the tiny tokenizer that are letters."""
ANSWER = [*WORDS, models.END]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(models.save(tmp_path_factory.mktemp("tiny"), "llama"))


def probe(number: int = 1) -> Probe:
    messages = (Message("user", "hello " * number),)
    key = ProbeKey(f"fact-{number}", "original", "plain")
    return Probe(key, "forget", "t", None, "q", "a", (), (), messages, None)


def engine(fake: FakeVllm, monkeypatch: pytest.MonkeyPatch, name: str, **kinds: Any) -> VllmEngine:
    fake.install(monkeypatch)
    return VllmEngine(name, EngineOptions(dtype="float32", **kinds))


@pytest.mark.parametrize(
    ("typed", "values", "line"),
    [
        ({}, {}, ""),
        (
            {"tensor-parallel-size": "2", "enforce_eager": "True"},
            {"enforce_eager": True, "tensor_parallel_size": 2},
            "enforce_eager=True tensor_parallel_size=2",
        ),
        ({"gpu_memory_utilization": "0.5"}, {"gpu_memory_utilization": 0.5}, None),
        ({"--max_model_len": "512"}, {"max_model_len": 512}, "max_model_len=512"),
    ],
    ids=["none", "two", "share", "typed as vLLM's own option"],
)
def test_arguments_have_types(
    typed: dict[str, str], values: dict[str, object], line: str | None
) -> None:
    assert read_arguments(typed) == values
    assert line is None or spelt(read_arguments(typed)) == line


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("tensor_paralel_size", "2", "did you mean 'tensor_parallel_size'"),
        ("max_models_len", "2", "did you mean 'max_model_len'"),
        ("seed", "3", "--gen seed=N"),
        ("load_format", "dummy", "safetensors"),
        ("tokenizer", "x", "--tokenizer"),
        ("kv_cache_dtype", "fp8", "would change what is asked or answered"),
        ("quantization", "fp8", "would change what is asked or answered"),
        ("truncate_prompt_tokens", "5", "would change what is asked or answered"),
        ("temperature", "1", "--gen temperature=T"),
        ("trust_remote_code", "true", "never run"),
        ("max_model_len", "many", "a whole number"),
        ("enforce_eager", "perhaps", "true or false"),
        ("tensor_parallel_size", "0", "from 1 up"),
    ],
)
def test_arguments_that_may_not_be_set(name: str, value: str, message: str) -> None:
    with pytest.raises(EngineError, match=message) as raised:
        read_arguments({name: value})
    assert f"--engine-set {name}" in str(raised.value)


def test_nothing_that_decides_a_text_may_be_set() -> None:
    words = ("token", "seed", "sampl", "quant", "dtype", "format", "overrid", "lora")
    suspicious = {name for name in ALLOWED if any(word in name for word in words)}
    assert suspicious == {"max_num_batched_tokens", "num_gpu_blocks_override"}  # sizes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device_map": "auto"}, "tensor_parallel_size"),
        ({"engine_set": {"tensor_parallel_size": "4096"}}, "cut into 4096 parts"),
        ({"device": "cuda"}, "this vLLM runs on cpu"),
        ({"batch_size": 4, "engine_set": {"max_num_seqs": "4"}}, "give one"),
        ({"system_prompt": " "}, "is empty"),
        ({"dtype": "int3"}, "unknown"),
    ],
    ids=["map", "parts", "device", "rows", "system", "dtype"],
)
def test_what_cannot_be_followed_is_refused_before_loading(
    checkpoint: str, options: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeVllm(ANSWER)
    fake.install(monkeypatch)
    with pytest.raises(EngineError, match=message):
        VllmEngine(checkpoint, EngineOptions(**options))
    assert fake.made == {}


def test_arguments_of_vllm_are_for_engine_vllm_alone() -> None:
    options = EngineOptions(engine_set={"enforce_eager": "true"})
    for name in ("transformers", "replay"):
        with pytest.raises(EngineError, match="add --engine vllm"):
            engine_for(name, "x", options)


def missing(_: str) -> str:
    raise PackageNotFoundError


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (missing, "is not installed: pip install"),
        (lambda _: "0.9.2", r"0\.9\.2 is too old, 0\.32 is needed: pip install"),
    ],
    ids=["missing", "old"],
)
def test_the_version_is_checked_before_the_checkpoint_is_looked_for(
    version: Callable[[str], str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "version", version)
    with pytest.raises(EngineError, match=message):
        VllmEngine("/no/such/checkpoint", EngineOptions())


def test_a_build_without_its_device_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeVllm(ANSWER).install(monkeypatch, device="")
    with pytest.raises(EngineError, match="finds no device"):
        build.import_vllm()


@pytest.mark.parametrize(
    ("device", "there", "parts", "message"),
    [
        ("cuda", 1, {"tensor_parallel_size": 2}, "2 parts, and there is 1 GPU$"),
        ("cuda", 4, {"tensor_parallel_size": 4, "pipeline_parallel_size": 2}, "are 4 GPUs"),
        ("cuda", 0, {"pipeline_parallel_size": 2}, "pipeline_parallel_size: .* are 0 GPUs"),
        ("cuda", 4, {"tensor_parallel_size": 4}, None),
        ("cpu", 2, {"tensor_parallel_size": 2}, None),
    ],
)
def test_too_few_places(
    device: str, there: int, parts: dict[str, Any], message: str | None
) -> None:
    if message is None:
        build.check_places(device, "auto", parts, there)
        return
    with pytest.raises(EngineError, match=message):
        build.check_places(device, "auto", parts, there)


def test_it_asks_as_engine_transformers_does(
    checkpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeVllm(ANSWER)
    made = engine(fake, monkeypatch, checkpoint, engine_set={"enforce_eager": "true"})
    other = TransformersEngine(checkpoint, EngineOptions(dtype="float32", device="cpu"))
    probes = [probe(n) for n in (1, 2, 3)]
    assert made.prompts_fingerprint(probes) == other.prompts_fingerprint(probes)
    assert made.info.surroundings == other.info.surroundings
    assert made.info.fingerprint == other.info.fingerprint
    assert made.stop_ids == other.stop_ids
    assert made.info.settings == {
        "dtype": "float32",
        "vllm": "0.32.0",
        "compared": True,
        "vllm_arguments": "enforce_eager=True",
    }
    assert fake.made["skip_tokenizer_init"] and fake.made["generation_config"] == "vllm"
    assert fake.made["load_format"] == "safetensors" and not fake.made["trust_remote_code"]
    results = list(made.generate(probes, Sampling()))
    assert [r.text for r in results if isinstance(r, Completion)] == ["ab"] * 3
    assert [how.ignore_eos for how in fake.asked] == [True] * 3


def test_draws_are_seeded_by_probe_and_seed(
    checkpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeVllm(ANSWER)
    made = engine(fake, monkeypatch, checkpoint)
    for seed in (0, 1, 0):
        list(made.generate([probe(1), probe(2)], Sampling(temperature=1.0, seed=seed)))
    seeds = [how.seed for how in fake.asked]
    assert seeds[:2] == seeds[4:] and len(set(seeds)) == 4
    with pytest.raises(EngineError, match=r"draws at 0\.01 or more"):
        list(made.generate([probe()], Sampling(temperature=0.001)))


def spoilt(**changes: Any) -> Callable[[Any], Any]:
    """Changes of a result's only output."""

    def alter(result: Any) -> Any:
        for name, value in changes.items():
            setattr(result.outputs[0], name, value)
        return result

    return alter


def without(result: Any) -> Any:
    result.outputs = []
    return result


def unfinished(result: Any) -> Any:
    result.finished = False
    return result


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (without, "gave no answer back"),
        (unfinished, "gave no answer back"),
        (spoilt(token_ids=[], logprobs=[]), "gave no answer back"),
        (spoilt(finish_reason="abort"), "a reason of its own: abort"),
        (spoilt(finish_reason="error"), "a reason of its own: error"),
        (spoilt(finish_reason=None), "a reason of its own: None"),
        (spoilt(token_ids=WORDS), "a reason of its own: stop"),
        (spoilt(token_ids=WORDS, finish_reason="length"), "cut the answer after 2 of 50"),
        (spoilt(token_ids=[models.END, *ANSWER]), "wrote on behind the end"),
        (spoilt(logprobs=None), "NaN or infinite"),
        (spoilt(token_ids=[9999, models.END]), "NaN or infinite"),
    ],
    ids=[
        *("no output", "unfinished", "no tokens", "aborted", "error", "no reason", "no end"),
        *("cut", "behind the end", "no probabilities", "another token"),
    ],
)
def test_a_lost_answer_is_open(
    checkpoint: str,
    alter: Callable[[Any], Any],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = engine(FakeVllm(ANSWER, alter), monkeypatch, checkpoint)
    (result,) = made.generate([probe()], Sampling())
    assert isinstance(result, Failure) and message in result.error


def test_logits_that_are_no_numbers_leave_the_answer_open(
    checkpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nan(result: Any) -> Any:
        result.outputs[0].logprobs[0][WORDS[0]].logprob = float("nan")
        return result

    made = engine(FakeVllm(ANSWER, nan), monkeypatch, checkpoint)
    (result,) = made.generate([probe()], Sampling())
    assert isinstance(result, Failure) and "NaN" in result.error


def test_a_prompt_that_does_not_fit_is_open(
    checkpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = engine(FakeVllm(ANSWER, window=100), monkeypatch, checkpoint)
    results = list(made.generate([probe(1), probe(40)], Sampling()))
    kinds = {r.key.fact: type(r) for r in results}
    assert kinds == {"fact-1": Completion, "fact-40": Failure}


def test_an_engine_that_dies_stops_the_run(
    checkpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = engine(FakeVllm(ANSWER, answering=RuntimeError("dead")), monkeypatch, checkpoint)
    with pytest.raises(EngineError, match="vLLM failed: dead"):
        list(made.generate([probe()], Sampling()))
    mixed = FakeVllm(ANSWER, lambda result: setattr(result, "prompt_token_ids", [1]) or result)
    made = engine(mixed, monkeypatch, checkpoint)
    with pytest.raises(EngineError, match="another prompt"):
        list(made.generate([probe()], Sampling()))


def test_a_model_that_cannot_be_loaded(checkpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineError, match="vLLM cannot load it: no kernels"):
        engine(FakeVllm(ANSWER, loading=ValueError("no kernels")), monkeypatch, checkpoint)


def lora(folder: Path, base: str, config: dict[str, Any], names: list[str]) -> Path:
    folder.mkdir()
    given = {"peft_type": "LORA", "r": 4, "base_model_name_or_path": base, **config}
    (folder / "adapter_config.json").write_text(json.dumps(given), "utf-8")
    save_file({name: torch.zeros(4, 4) for name in names}, folder / "adapter_model.safetensors")
    return folder


PLAIN = [f"base_model.model.model.layers.0.self_attn.q_proj.lora_{x}.weight" for x in "AB"]


@pytest.mark.parametrize(
    ("config", "names", "message"),
    [
        ({"peft_type": "LOHA"}, PLAIN, "runs LoRA, not LOHA"),
        ({}, [*PLAIN, "base_model.model.lm_head.weight"], "leave out 1 of its tensors"),
        ({}, [*PLAIN, f"{PLAIN[0][:-13]}lora_magnitude_vector"], "leave out 1"),
        ({"r": 4096}, PLAIN, "its rank is 4096"),
        ({"r": None}, PLAIN, "its rank is 0"),
        ({"r": 12}, PLAIN, None),
        ({"r": 4, "rank_pattern": {"q_proj": 100}}, PLAIN, None),
    ],
    ids=["kind", "head", "dora", "rank", "no rank", "plain", "pattern"],
)
def test_adapters_that_vllm_runs(
    checkpoint: str,
    tmp_path: Path,
    config: dict[str, Any],
    names: list[str],
    message: str | None,
) -> None:
    folder = lora(tmp_path / "adapter", checkpoint, config, names)
    if message is None:
        made = lora_of(resolve(str(folder)))
        assert made is not None and made.room == (128 if "rank_pattern" in config else 16)
        return
    with pytest.raises(UnlearnbenchError, match=message):
        lora_of(resolve(str(folder)))


def test_an_adapter_on_an_adapter_is_refused(checkpoint: str, tmp_path: Path) -> None:
    below = lora(tmp_path / "below", checkpoint, {}, PLAIN)
    above = lora(tmp_path / "above", str(below), {}, PLAIN)
    with pytest.raises(EngineError, match="one adapter on a base, not 2"):
        lora_of(resolve(str(above)))
    assert lora_of(resolve(checkpoint)) is None


def test_what_was_not_compared_is_said(checkpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twin, "_ROOM", 1e12)
    made = engine(FakeVllm(ANSWER), monkeypatch, checkpoint)
    assert made.info.settings["compared"] is False
    assert any("was not compared with the files" in note for note in made.info.notes)
    assert was_not_compared("vllm", made.info.settings)
    assert not was_not_compared("transformers", {})
