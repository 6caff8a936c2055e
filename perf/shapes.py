"""Speed and memory of the engine on larger models, with random weights: nothing to download.

    python perf/shapes.py [--device cuda] [--shapes 1b,3b,8b] [--blocks 1] [--peer 384]

The models have the shapes of Llama 3.2 1B and 3B and Llama 3.1 8B. Random weights never end an
answer, so every answer has all 50 tokens; the prompts are those of the `standard` plan of `wkf`
in SmolLM2's tokens. `--peer` rows of `model.generate` answer the same prompts.
Both answer twice; the first time holds what is made once.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Iterator

import torch
from peers import CHECKPOINT, NEW_TOKENS, left_padded, peak_bytes
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedModel

from unlearnbench.benchmark import load_benchmark
from unlearnbench.checkpoints.resolve import resolve
from unlearnbench.engines.transformers.loading import choose_device, choose_dtype, load_tokenizer
from unlearnbench.engines.transformers.memory import find_capacity
from unlearnbench.engines.transformers.packed import PackedDecoder
from unlearnbench.engines.transformers.prompts import encode
from unlearnbench.engines.transformers.selfcheck import kv_shape, prepare_packed
from unlearnbench.protocol.plan import make_plan
from unlearnbench.protocol.profiles import get_profile

SHAPES = {
    # layers, hidden, inner, heads, key heads, tied embeddings
    "tiny": (2, 64, 128, 4, 2, True),
    "135m": (30, 576, 1536, 9, 3, True),
    "1b": (16, 2048, 8192, 32, 8, True),
    "3b": (28, 3072, 8192, 24, 8, True),
    "8b": (32, 4096, 14336, 32, 8, False),
}
VOCABULARY = 128256


def build(shape: str, device: torch.device, dtype: torch.dtype) -> PreTrainedModel:
    """A model with random weights, made on the device."""
    layers, hidden, inner, heads, key_heads, tied = SHAPES[shape]
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=hidden,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=key_heads,
        max_position_embeddings=8192,
        tie_word_embeddings=tied,
    )
    torch.manual_seed(0)
    default = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with device:
            return LlamaForCausalLM(config).eval()
    finally:
        torch.set_default_dtype(default)


def ours(model: PreTrainedModel, blocks: list[list[list[int]]]) -> Iterator[tuple[int, float]]:
    """Rows and seconds of each block, decoded twice."""
    decoder = prepare_packed(model, frozenset())
    if not isinstance(decoder, PackedDecoder):
        raise SystemExit(f"the packed decoder does not fit: {decoder}")
    for prompts in [*blocks, *blocks]:
        longest = max(map(len, prompts)) + NEW_TOKENS
        capacity = find_capacity(kv_shape(model), model.dtype, [model.device], None)
        slots = capacity.slots(longest, len(prompts))
        began = time.perf_counter()
        rows = list(decoder.decode(prompts, NEW_TOKENS, slots))
        yield len(rows), time.perf_counter() - began


def peer(model: PreTrainedModel, prompts: list[list[int]], rows: int) -> float:
    """Seconds that `generate` takes, rows of similar length together."""
    model.set_attn_implementation("sdpa")
    how = GenerationConfig(max_new_tokens=NEW_TOKENS, do_sample=False, pad_token_id=0)
    how.eos_token_id = None
    ordered = sorted(prompts, key=len)
    began = time.perf_counter()
    for start in range(0, len(ordered), rows):
        batch = ordered[start : start + rows]
        ids, mask = left_padded(batch, model.device)
        model.generate(ids, attention_mask=mask, generation_config=how).tolist()
    return time.perf_counter() - began


def main() -> None:
    """Every shape, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--shapes", default="1b,3b,8b")
    parser.add_argument("--blocks", type=int, default=1)
    parser.add_argument("--peer", type=int, default=0, help="rows of `generate`; 0: without")
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    dtype = choose_dtype(arguments.dtype, device)
    tokenizer = load_tokenizer(resolve(CHECKPOINT))
    plan = make_plan(load_benchmark("wkf"), get_profile("standard"), "chat")
    blocks = [[encode(tokenizer, p) for p in b] for b in plan.blocks()[: arguments.blocks]]
    for shape in arguments.shapes.split(","):
        gc.collect()
        if device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(device)
        with torch.inference_mode():
            model = build(shape, device, dtype)
            weights = sum(p.numel() for p in model.parameters()) * dtype.itemsize
            print(f"{shape}, {dtype}, weights {weights / 1e9:.2f} GB", flush=True)
            for rows, seconds in ours(model, blocks):
                print(f"  ours        {rows / seconds:8.1f} questions/s", flush=True)
            print(f"  peak {peak_bytes(device) / 1e9:.2f} GB", flush=True)
            if arguments.peer:
                gc.collect()
                if device.type == "cuda":
                    torch.cuda.empty_cache()
                    torch.cuda.reset_peak_memory_stats(device)
                prompts = [ids for block in blocks for ids in block]
                for _ in range(2):
                    rate = len(prompts) / peer(model, prompts, arguments.peer)
                    print(f"  generate    {rate:8.1f} questions/s", flush=True)
                print(f"  peak {peak_bytes(device) / 1e9:.2f} GB", flush=True)
            del model


if __name__ == "__main__":
    main()
