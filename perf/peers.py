"""The ways to answer a plan that `perf/engine.py` compares, each run in a process of its own."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.engines.transformers.prompts import encode
from unlearnbench.protocol.plan import Plan
from unlearnbench.types import Completion, Probe, Sampling
from unlearnbench.types.options import EngineOptions

CHECKPOINT = "smollm2-135m"
NEW_TOKENS = 50
AUTHORS_ROWS = 16

Texts = dict[str, str]


def run_variant(name: str, device: str, dtype: str, probes: list[Probe]) -> dict[str, Any]:
    """Seconds, texts and peak memory of one variant, in this process.

    On a GPU the plan is answered twice: `seconds` is the first time, with everything that is made
    once (kernels, graphs, caches), `again` the second. On a CPU once.
    """
    engine = TransformersEngine(CHECKPOINT, _options(name, device, dtype))
    answer = _answerer(name, engine, probes)
    result: dict[str, Any] = {"device": _card(engine.device)}
    for part in ("seconds", "again")[: 2 if engine.device.type == "cuda" else 1]:
        began = time.perf_counter()
        texts, tokens = answer()
        if engine.device.type == "cuda":
            torch.cuda.synchronize(engine.device)
        result[part] = time.perf_counter() - began
        result.setdefault("texts", texts)
        result["tokens"] = tokens
    result["peak_bytes"] = peak_bytes(engine.device)
    return result


def peak_bytes(device: torch.device) -> int:
    """The most that the GPU's allocator held, or this process ever did."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _card(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def _options(name: str, device: str, dtype: str) -> EngineOptions:
    return EngineOptions(device=device, dtype="float32" if name == "authors" else dtype)


def _answerer(
    name: str, engine: TransformersEngine, probes: list[Probe]
) -> Callable[[], tuple[Texts, int]]:
    """What answers the probes once; it returns texts and the number of tokens chosen."""
    if name == "ours":
        return lambda: _ours(engine, probes)
    engine.model.set_attn_implementation("sdpa")
    if name == "continuous":
        return lambda: _continuous(engine, probes)
    if name == "authors":
        return lambda: _generate(engine, probes, AUTHORS_ROWS, by_length=False)
    return lambda: _generate(engine, probes, int(name.removeprefix("generate-")), by_length=True)


def _ours(engine: TransformersEngine, probes: list[Probe]) -> tuple[Texts, int]:
    """The engine, block by block as a run does it."""
    texts: Texts = {}
    tokens = 0
    for block in Plan(tuple(probes)).blocks():
        for result in engine.generate(block, Sampling(NEW_TOKENS)):
            if not isinstance(result, Completion):
                raise SystemExit(f"{result.key}: {result.error}")
            texts[str(result.key)] = result.text
            tokens += result.n_tokens + (result.finish_reason == "stop")
    return texts, tokens


def _generate(
    engine: TransformersEngine, probes: list[Probe], rows: int, by_length: bool
) -> tuple[Texts, int]:
    """`model.generate` with left padding."""
    model, tokenizer = engine.model, engine.tokenizer
    stops = sorted(engine.stop_ids)
    prompts = [(str(p.key), encode(tokenizer, p)) for p in probes]
    if by_length:
        prompts.sort(key=lambda pair: len(pair[1]))
    texts: Texts = {}
    tokens = 0
    for start in range(0, len(prompts), rows):
        batch = prompts[start : start + rows]
        ids, mask = left_padded([ids for _, ids in batch], engine.device)
        with torch.inference_mode():
            out = model.generate(
                input_ids=ids,
                attention_mask=mask,
                max_new_tokens=NEW_TOKENS,
                do_sample=False,
                eos_token_id=stops,
                pad_token_id=stops[0],
            )
        answers = out[:, ids.shape[1] :].tolist()
        texts.update(zip((key for key, _ in batch), _texts(engine, answers), strict=True))
        tokens += sum(map(len, answers))
    return texts, tokens


def left_padded(
    prompts: Sequence[Sequence[int]], device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and attention mask, each `[rows, longest]`."""
    width = max(map(len, prompts))
    ids = torch.tensor([[0] * (width - len(p)) + list(p) for p in prompts], device=device)
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts], device=device)
    return ids, mask


def _continuous(engine: TransformersEngine, probes: list[Probe]) -> tuple[Texts, int]:
    """The continuous batching of transformers, with what it chooses by itself."""
    model, tokenizer = engine.model, engine.tokenizer
    from transformers import GenerationConfig

    stops = sorted(engine.stop_ids)
    how = GenerationConfig(
        max_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=stops, pad_token_id=stops[0]
    )
    prompts = [encode(tokenizer, probe) for probe in probes]
    results = model.generate_batch(inputs=prompts, generation_config=how)
    failed = [result.error for result in results.values() if result.error is not None]
    if failed or len(results) != len(probes):
        raise SystemExit(f"generate_batch answered {len(results)} of {len(probes)}: {failed[:1]}")
    answers = [list(result.generated_tokens) for result in results.values()]
    keys = [str(probe.key) for probe in probes]
    return dict(zip(keys, _texts(engine, answers), strict=True)), sum(map(len, answers))


def _texts(engine: TransformersEngine, answers: Sequence[Sequence[int]]) -> list[str]:
    """Texts of token ids up to the first stop."""
    cut = []
    for ids in answers:
        end = next((i for i, token in enumerate(ids) if token in engine.stop_ids), len(ids))
        cut.append(list(ids[:end]))
    return list(engine.tokenizer.batch_decode(cut, skip_special_tokens=True))
