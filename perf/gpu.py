"""Does everything work on this GPU, and how fast? `make gpu-check`, in less than ten minutes.

    python perf/gpu.py [--device cuda] [--minutes 9] [--small]

In one process, one part after the other:

    self-check  the packed decoder computes what the model does
    texts       greedy tokens in float32 equal those of `model.generate`
    speed       questions a second: the engine, `generate`, transformers' own continuous batching
    shapes      the same for random weights of the shapes of Llama 3.2 1B and 3B
    JensUn      a training step against the textbook's: seconds, and how far apart the losses are
    memory      the most that the allocator held in each part (on a CPU: the process so far)

It prints a table, then one line of JSON. A part that fails, finds a difference or was left out for
want of time says so in both, and the exit code is 1. `--small` runs all of
it on random weights of a tiny shape, which a CPU does in a minute.
"""

from __future__ import annotations

import argparse
import copy
import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from peers import CHECKPOINT, NEW_TOKENS, left_padded, peak_bytes
from shapes import build
from training import ours as jensun_loss
from training import planned, steps, textbook
from transformers import GenerationConfig

from unlearnbench.benchmark import load_benchmark
from unlearnbench.checkpoints.resolve import resolve
from unlearnbench.engines.transformers.loading import choose_device, choose_dtype, load_model
from unlearnbench.engines.transformers.loading import load_tokenizer as tokenizer_of
from unlearnbench.engines.transformers.memory import find_capacity
from unlearnbench.engines.transformers.packed import PackedDecoder
from unlearnbench.engines.transformers.prompts import encode
from unlearnbench.engines.transformers.selfcheck import kv_shape, prepare_packed
from unlearnbench.protocol.plan import make_plan
from unlearnbench.protocol.profiles import get_profile
from unlearnbench.training.passes import Reference, Student

TIE = 1e-3
"""Two logits closer than this differ by float32 rounding over 30 layers, not by meaning."""
LOSS = 1e-4
"""Relative distance of two losses of the same batch that rounding explains."""
Tokens = list[list[int]]


@dataclass(frozen=True)
class Size:
    """How much is done."""

    probes: int
    exact: int
    rows: int
    new_tokens: int
    shapes: tuple[str, ...]
    warm: int
    timed: int


FULL = Size(768, 384, 256, NEW_TOKENS, ("1b", "3b"), 2, 6)
SMALL = Size(24, 12, 8, 8, (), 1, 1)


@dataclass
class Check:
    """What was found; `failed` parts end in exit code 1."""

    device: torch.device
    size: Size
    ends: float
    found: dict[str, Any] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def part(self, name: str, act: Callable[[], Any]) -> None:
        """Run a part and keep what it returns; a failure is a finding, not the end."""
        if time.monotonic() > self.ends:
            self.left_out.append(name)
            print(f"  {name:34} left out: no time is left", flush=True)
            return
        began = time.monotonic()
        self.clear()
        try:
            value = act()
        except Exception as error:  # noqa: BLE001  # whatever a GPU or a library raises
            self.failed.append(name)
            value = f"FAILED: {type(error).__name__}: {str(error).splitlines()[:1]}"
        self.found[name] = value
        print(f"  {name:34} {shown(value)}  ({time.monotonic() - began:.0f} s)", flush=True)

    def clear(self) -> None:
        """Give back what the last part held, so that each part's peak is its own."""
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.device)

    def timed(self, act: Callable[[], Any]) -> tuple[float, Any]:
        """Seconds, and what came of it."""
        began = time.perf_counter()
        value = act()
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter() - began, value


def shown(value: Any) -> str:
    """A finding on one line."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {shown(item)}" for name, item in value.items())
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def prompts_of(count: int) -> list[list[int]]:
    """The first prompts of a standard plan, in SmolLM2's tokens."""
    plan = make_plan(load_benchmark("wkf"), get_profile("standard"), "chat")
    tokenizer = tokenizer_of(resolve(CHECKPOINT))
    return [encode(tokenizer, probe) for probe in plan.probes[:count]]


@torch.inference_mode()
def decoder_for(model: Any) -> PackedDecoder:
    """The packed decoder, which has checked itself against the model."""
    model.set_attn_implementation("sdpa")
    decoder = prepare_packed(model, frozenset())
    if not isinstance(decoder, PackedDecoder):
        raise RuntimeError(f"the packed decoder does not fit: {decoder}")
    return decoder


@torch.inference_mode()
def packed(model: Any, decoder: PackedDecoder, prompts: Tokens, new_tokens: int) -> Tokens:
    """The engine's greedy tokens."""
    longest = max(map(len, prompts)) + new_tokens
    capacity = find_capacity(kv_shape(model), model.dtype, [model.device], None)
    slots = capacity.slots(longest, len(prompts))
    rows = sorted(decoder.decode(prompts, new_tokens, slots), key=lambda row: row.index)
    return [list(row.tokens) for row in rows]


def settings(new_tokens: int) -> GenerationConfig:
    """Greedy, and no token ends an answer: random weights would end none, others too soon."""
    how = GenerationConfig(max_new_tokens=new_tokens, do_sample=False, pad_token_id=0)
    how.eos_token_id = None
    return how


def generated(model: Any, prompts: Tokens, rows: int, new_tokens: int) -> Tokens:
    """What `model.generate` chooses, rows of similar length together."""
    model.set_attn_implementation("sdpa")
    model.generation_config.eos_token_id = None
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    answers: dict[int, list[int]] = {}
    for start in range(0, len(order), rows):
        batch = order[start : start + rows]
        ids, mask = left_padded([prompts[i] for i in batch], model.device)
        out = model.generate(ids, attention_mask=mask, generation_config=settings(new_tokens))
        answers.update(zip(batch, out[:, ids.shape[1] :].tolist(), strict=True))
    return [answers[i] for i in range(len(prompts))]


def continuous(model: Any, prompts: Tokens, new_tokens: int) -> Tokens:
    """What transformers' continuous batching chooses, as it sets itself up."""
    model.set_attn_implementation("sdpa")
    how = settings(new_tokens)
    how.eos_token_id = -1  # it wants one, and this one never comes
    # On a CPU it would take most of the memory that is free for its cache.
    room = {} if model.device.type == "cuda" else {"continuous_batching_config": little_room()}
    results = model.generate_batch(inputs=prompts, generation_config=how, **room)
    failed = [result.error for result in results.values() if result.error is not None]
    if failed or len(results) != len(prompts):
        raise RuntimeError(f"it answered {len(results)} of {len(prompts)}: {failed[:1]}")
    return [list(result.generated_tokens) for result in results.values()]


def little_room() -> Any:
    """A tenth of the free memory for the cache of continuous batching."""
    from transformers.generation import ContinuousBatchingConfig

    return ContinuousBatchingConfig(max_memory_percent=0.1)


def texts(check: Check, model: Any, prompts: Tokens) -> dict[str, Any]:
    """Equal answers in float32; every difference must be a tie of two logits."""
    size = check.size
    ours = packed(model, decoder_for(model), prompts, size.new_tokens)
    plain = generated(model, prompts, size.rows, size.new_tokens)
    margins = [
        margin(model, prompt, a, b)
        for prompt, a, b in zip(prompts, ours, plain, strict=True)
        if a != b
    ]
    wrong = sum(m >= TIE for m in margins)
    if wrong:
        check.failed.append("texts")
    return {"equal": len(prompts) - len(margins), "of": len(prompts), "no ties": wrong}


@torch.no_grad()
def margin(model: Any, prompt: list[int], ours: list[int], plain: list[int]) -> float:
    """How far apart the two logits are at the first token that differs."""
    same = next(i for i, (a, b) in enumerate(zip(ours, plain, strict=True)) if a != b)
    ids = torch.tensor([prompt + ours[:same]], device=model.device)
    logits = model(input_ids=ids, use_cache=False).logits[0, -1]
    return float((logits[ours[same]] - logits[plain[same]]).abs())


def speeds(check: Check, model: Any, prompts: Tokens, name: str) -> None:
    """Questions a second of each way, and the memory of the engine's."""
    size = check.size

    def ours() -> dict[str, Any]:
        decoder = decoder_for(model)
        runs = [
            check.timed(lambda: packed(model, decoder, prompts, size.new_tokens))[0]
            for _ in range(2)
        ]
        rates = {"first": len(prompts) / runs[0], "again": len(prompts) / runs[1]}
        return {**rates, "peak_gb": peak_bytes(check.device) / 1e9}

    def peer(act: Callable[[], Tokens], times: int) -> Callable[[], dict[str, Any]]:
        def measured() -> dict[str, Any]:
            runs = [check.timed(act)[0] for _ in range(times)]
            rate = {"again": len(prompts) / runs[-1], "peak_gb": peak_bytes(check.device) / 1e9}
            engine = check.found.get(f"{name}: engine")
            if isinstance(engine, dict):
                rate["engine is faster by"] = engine["again"] / rate["again"]
            return rate

        return measured

    check.part(f"{name}: engine", ours)
    plainly = peer(lambda: generated(model, prompts, size.rows, size.new_tokens), 2)
    check.part(f"{name}: generate, {size.rows} rows", plainly)
    if hasattr(model, "generate_batch"):
        batched = peer(lambda: continuous(model, prompts, size.new_tokens), 1)
        check.part(f"{name}: continuous batching", batched)


def jensun(check: Check, model: Any, tokenizer: Any) -> dict[str, Any]:
    """Seconds of a step, ours and the textbook's, from the same weights on the same batches."""
    size = check.size
    found: dict[str, Any] = {}
    losses: dict[str, list[float]] = {}
    for name in ("textbook", "ours"):
        check.clear()
        own = copy.deepcopy(model).requires_grad_(True)
        method, schedule = planned(tokenizer, size.warm + size.timed)
        if name == "textbook":
            frozen = copy.deepcopy(model).requires_grad_(False)
            loss = textbook(own, frozen)
            perturb(own)
        else:
            reference = Reference(Student(own))
            reference.remember(schedule.groups(["retain"]), None)
            perturb(own)
            loss = jensun_loss(own, method, tokenizer, reference)
        seconds, losses[name] = steps(own, loss, schedule.batches)
        found[f"{name} s"] = statistics.median(seconds[size.warm :])
        found[f"{name} peak_gb"] = peak_bytes(check.device) / 1e9
        del own, loss
    found["faster by"] = found["textbook s"] / found["ours s"]
    pairs = zip(losses["ours"], losses["textbook"], strict=True)
    found["loss off by"] = max(abs(a / b - 1) for a, b in pairs)
    if not found["loss off by"] <= LOSS:
        check.failed.append("JensUn step")
    return found


@torch.no_grad()
def perturb(model: Any) -> None:
    """Let a student leave its reference, from which it would not differ yet."""
    torch.manual_seed(0)
    for parameter in model.parameters():
        parameter.add_(0.02 * torch.randn_like(parameter))


def base_model(check: Check, dtype: torch.dtype) -> Any:
    """SmolLM2, or random weights of a tiny shape."""
    if check.size is SMALL:
        return build("tiny", check.device, dtype)
    return load_model(resolve(CHECKPOINT), check.device, dtype)[0]


def run(check: Check) -> None:
    """Every part; a model lives no longer than it is needed."""
    size, dtype = check.size, choose_dtype("auto", check.device)
    prompts = prompts_of(size.probes)
    name = "tiny" if size is SMALL else CHECKPOINT
    exactness(check, base_model(check, torch.float32), prompts[: size.exact])
    speeds(check, base_model(check, dtype), prompts, name)
    for shape in size.shapes:
        check.clear()
        speeds(check, build(shape, check.device, dtype), prompts, shape)


def exactness(check: Check, model: Any, prompts: Tokens) -> None:
    """What is compared in float32."""
    check.part("self-check", lambda: type(decoder_for(model)).__name__)
    check.part("texts", lambda: texts(check, model, prompts))
    model.set_attn_implementation("sdpa")
    tokenizer = tokenizer_of(resolve(CHECKPOINT))
    check.part("JensUn step", lambda: jensun(check, model, tokenizer))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and the line; 1 if a part failed or was left out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--minutes", type=float, default=9.0, help="no part begins later")
    parser.add_argument("--small", action="store_true", help="tiny sizes, for a CPU")
    given = parser.parse_args(arguments)
    device = choose_device(given.device)
    if device.type != "cuda" and not given.small:
        raise SystemExit(f"{device.type}: this takes too long without CUDA; give --small")
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    print(f"{card}, PyTorch {torch.__version__}, {choose_dtype('auto', device)}", flush=True)
    size = SMALL if given.small else FULL
    check = Check(device, size, time.monotonic() + 60 * given.minutes)
    run(check)
    line = {"device": card, "torch": torch.__version__, "small": given.small, **check.found}
    line |= {"failed": sorted(set(check.failed)), "left_out": check.left_out}
    print(json.dumps(line))
    return 1 if check.failed or check.left_out else 0


if __name__ == "__main__":
    sys.exit(main())
