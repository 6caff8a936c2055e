"""How fast is the engine, against what else, and how far from what the machine can do?

    python perf/engine.py [--probes 640] [--benchmark wkf] [--vllm-python PATH] [--json]

Every variant answers the same prompts of a `standard` plan in a process of its own, one after the
other, and reports questions a second and peak memory:

    ours        engine `transformers` of this package
    generate-N  `model.generate`, N rows a batch, rows sorted by length, same data type
    authors     float32, the 16 phrasings of a fact as one batch, as the paper's code does
    vllm        vLLM with prefix caching, where an interpreter that has it is named

Then it compares texts with `generate` at batch 1 in float32, shows the margin of every difference,
and relates the speed to the machine's measured arithmetic. With `--json` the last line holds the
ratios.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from unlearnbench.benchmark import load_benchmark
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.engines.transformers.prefixes import build_forest
from unlearnbench.engines.transformers.prompts import encode
from unlearnbench.protocol.plan import Plan, make_plan
from unlearnbench.protocol.profiles import get_profile
from unlearnbench.types import Completion, EngineOptions, Probe, Sampling

CHECKPOINT = "smollm2-135m"
BATCHES = (1, 16, 64)
NEW_TOKENS = 50
TIE = 1e-3
"""Two logits closer than this differ by float32 rounding over 30 layers, not by meaning."""


def plan_of(benchmark: str, probes: int) -> list[Probe]:
    """The first blocks' probes of a standard plan: forget facts whole, then retain."""
    plan: Plan = make_plan(load_benchmark(benchmark), get_profile("standard"), "chat")
    if len(plan.probes) < probes:
        raise SystemExit(f"{benchmark} has {len(plan.probes)} probes, --probes asks for {probes}")
    return list(plan.probes[:probes])


def run_ours(dtype: str, probes: list[Probe]) -> dict[str, Any]:
    """The engine, block by block as a run does it."""
    engine = TransformersEngine(CHECKPOINT, EngineOptions(dtype=dtype))
    texts: dict[str, str] = {}
    tokens = 0
    began = time.perf_counter()
    for block in Plan(tuple(probes)).blocks():
        for result in engine.generate(block, Sampling(NEW_TOKENS)):
            if not isinstance(result, Completion):
                raise SystemExit(f"{result.key}: {result.error}")
            texts[str(result.key)] = result.text
            tokens += result.n_tokens + (result.finish_reason == "stop")
    return {"seconds": time.perf_counter() - began, "texts": texts, "tokens": tokens}


def run_generate(dtype: str, probes: list[Probe], rows: int, by_length: bool) -> dict[str, Any]:
    """`model.generate` with left padding."""
    engine = TransformersEngine(CHECKPOINT, EngineOptions(dtype=dtype))
    model, tokenizer = engine.model, engine.tokenizer
    model.set_attn_implementation("sdpa")
    tokenizer.padding_side = "left"
    stops = sorted(engine.stop_ids)
    prompts = [(str(p.key), encode(tokenizer, p)) for p in probes]
    if by_length:
        prompts.sort(key=lambda pair: len(pair[1]))
    texts: dict[str, str] = {}
    began = time.perf_counter()
    for start in range(0, len(prompts), rows):
        batch = prompts[start : start + rows]
        padded = tokenizer.pad({"input_ids": [ids for _, ids in batch]}, return_tensors="pt")
        with torch.inference_mode():
            out = model.generate(
                **padded,
                max_new_tokens=NEW_TOKENS,
                do_sample=False,
                eos_token_id=stops,
                pad_token_id=stops[0],
            )
        width = padded["input_ids"].shape[1]
        said = tokenizer.batch_decode(out[:, width:], skip_special_tokens=True)
        texts.update(zip((key for key, _ in batch), said, strict=True))
    return {"seconds": time.perf_counter() - began, "texts": texts}


def run_variant(name: str, dtype: str, probes: list[Probe]) -> dict[str, Any]:
    """One variant, in this process."""
    if name == "ours":
        result = run_ours(dtype, probes)
    elif name == "authors":
        result = run_generate("float32", probes, 16, by_length=False)
    else:
        result = run_generate(dtype, probes, int(name.removeprefix("generate-")), by_length=True)
    result["peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return result


def in_process(name: str, arguments: argparse.Namespace, dtype: str) -> dict[str, Any]:
    """One variant in a process of its own, so that memory is its own too."""
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / "result.json"
        command = [sys.executable, __file__, "--variant", name, "--dtype", dtype]
        command += ["--benchmark", arguments.benchmark, "--probes", str(arguments.probes)]
        subprocess.run([*command, "--result", str(target)], check=True)
        return json.loads(target.read_text("utf-8"))


def run_vllm(python: str, engine: TransformersEngine, probes: list[Probe]) -> dict[str, Any] | None:
    """vLLM under another interpreter, on the same token ids; None if it does not run here."""
    with tempfile.TemporaryDirectory() as scratch:
        source, target = Path(scratch) / "in.json", Path(scratch) / "out.json"
        prompts = [encode(engine.tokenizer, probe) for probe in probes]
        folder = str(engine.checkpoint.folder)
        stops = sorted(engine.stop_ids)
        job = {"model": folder, "prompts": prompts, "new_tokens": NEW_TOKENS, "stops": stops}
        source.write_text(json.dumps(job), "utf-8")
        peer = Path(__file__).with_name("vllm_peer.py")
        done = subprocess.run([python, str(peer), str(source), str(target)], check=False)
        if done.returncode:
            print("  vllm did not run; its messages stand above", flush=True)
            return None
        return json.loads(target.read_text("utf-8"))


def machine_peak(dtype: torch.dtype) -> tuple[float, float]:
    """(FLOP/s of a large product, bytes/s read from memory), best of several."""
    a = torch.randn(2048, 2048).to(dtype)
    memory = torch.ones(64 * 1024 * 1024)  # written once: untouched pages are not memory
    flops = max(2 * 2048**3 / _seconds(lambda: a @ a) for _ in range(5))
    reads = max(memory.numel() * 4 / _seconds(lambda: memory.sum()) for _ in range(5))
    return flops, reads


def _seconds(act: Any) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def least_work(engine: TransformersEngine, probes: list[Probe], answered: int) -> float:
    """FLOP that no engine can avoid: each distinct prompt prefix and each answered token once.

    Two per weight and token; the head only for tokens that are read off. Attention's own products
    are left out, which makes the limit a little too high and the share reached a little too low.
    """
    model = engine.model
    head = model.get_output_embeddings().weight.numel()
    body = sum(p.numel() for p in model.parameters()) - model.get_input_embeddings().weight.numel()
    prompts = [encode(engine.tokenizer, probe) for probe in probes]
    forest = build_forest(prompts)
    own = sum(
        len(ids) - (forest.nodes[chain[-1]].length if chain else 0)
        for ids, chain in zip(prompts, forest.chains, strict=True)
    )
    shared = sum(
        node.length - (forest.nodes[node.parent].length if node.parent is not None else 0)
        for node in forest.nodes
    )
    return 2.0 * (body * (own + shared + answered - len(prompts)) + head * answered)


def differences(
    engine: TransformersEngine, probes: Sequence[Probe], ours: dict[str, str], plain: dict[str, str]
) -> Iterator[tuple[str, float]]:
    """(key, margin of the two logits at the first token that differs) of each unequal text."""
    engine.model.set_attn_implementation("sdpa")
    for probe in probes:
        key = str(probe.key)
        if ours[key] == plain[key]:
            continue
        a, b = (
            engine.tokenizer(t, add_special_tokens=False).input_ids for t in (ours[key], plain[key])
        )
        stop = min(engine.stop_ids)
        same = next(
            (i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
        )
        first, second = (ids[same] if same < len(ids) else stop for ids in (a, b))
        ids = torch.tensor([encode(engine.tokenizer, probe) + a[:same]])
        with torch.inference_mode():
            logits = engine.model(input_ids=ids, use_cache=False).logits[0, -1]
        yield key, float((logits[first] - logits[second]).abs())


def main() -> None:
    """Run every variant and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--benchmark", default="wkf")
    parser.add_argument("--probes", type=int, default=640)
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--vllm-python", help="an interpreter that has vLLM")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--variant", help=argparse.SUPPRESS)
    parser.add_argument("--result", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    probes = plan_of(arguments.benchmark, arguments.probes)
    if arguments.variant:
        result = run_variant(arguments.variant, arguments.dtype, probes)
        Path(arguments.result).write_text(json.dumps(result), "utf-8")
        return
    report(arguments, probes)


def report(arguments: argparse.Namespace, probes: list[Probe]) -> None:
    """The whole comparison."""
    names = ["ours", *(f"generate-{rows}" for rows in BATCHES), "authors"]
    engine = TransformersEngine(CHECKPOINT, EngineOptions(dtype=arguments.dtype))
    print(f"{len(probes)} probes of {arguments.benchmark}, {CHECKPOINT}, {engine.dtype}, ", end="")
    print(f"{torch.get_num_threads()} threads", flush=True)
    results: dict[str, dict[str, Any]] = {}
    for name in names:
        results[name] = in_process(name, arguments, arguments.dtype)
        show_speed(name, results[name], len(probes))
    if arguments.vllm_python:
        vllm = run_vllm(arguments.vllm_python, engine, probes)
        if vllm is not None:
            results["vllm"] = vllm
            show_speed("vllm", vllm, len(probes))
    speed = {name: len(probes) / result["seconds"] for name, result in results.items()}
    flops, reads = machine_peak(engine.dtype)
    work = least_work(engine, probes, results["ours"]["tokens"])
    limit = len(probes) / (work / flops)
    print(f"  machine: {flops / 1e9:.0f} GFLOP/s, {reads / 1e9:.0f} GB/s read; ", end="")
    print(f"least work {work / len(probes) / 1e9:.1f} GFLOP a question: {limit:.1f} questions/s")
    best = max(speed[f"generate-{rows}"] for rows in BATCHES)
    line = {
        "vs_generate": round(speed["ours"] / best, 2),
        "vs_authors_way": round(speed["ours"] / speed["authors"], 2),
        "text_equal": _text_equal(arguments, probes, results),
        "share_of_limit": round(speed["ours"] / limit, 3),
        "memory_vs_generate_64": round(
            results["ours"]["peak_bytes"] / results["generate-64"]["peak_bytes"], 2
        ),
        "questions_per_second": round(speed["ours"], 2),
        "dtype": str(engine.dtype).removeprefix("torch."),
    }
    if "vllm" in speed:
        line["vs_vllm"] = round(speed["ours"] / speed["vllm"], 2)
    for name, value in line.items():
        print(f"  {name}: {value}")
    if arguments.json:
        print(json.dumps(line))


def show_speed(name: str, result: dict[str, Any], probes: int) -> None:
    """One variant's line, as soon as it is known."""
    peak = f"{result['peak_bytes'] / 1e9:5.2f} GB" if "peak_bytes" in result else ""
    print(f"  {name:12} {probes / result['seconds']:6.2f} questions/s  {peak}", flush=True)


def _text_equal(
    arguments: argparse.Namespace, probes: list[Probe], results: dict[str, dict[str, Any]]
) -> float:
    """Share of float32 texts equal to `generate` at batch 1; prints each difference's margin."""
    exact = TransformersEngine(CHECKPOINT, EngineOptions(dtype="float32"))
    ours, plain = results["ours"], results["generate-1"]
    if arguments.dtype != "float32" and str(exact.dtype) != str(_dtype_of(arguments)):
        ours = in_process("ours", arguments, "float32")
        plain = in_process("generate-1", arguments, "float32")
    unequal = list(differences(exact, probes, ours["texts"], plain["texts"]))
    for key, margin in unequal:
        print(
            f"  differs: {key}: logits {margin:.1e} apart ({'tie' if margin < TIE else 'NO TIE'})"
        )
    return round(1 - len(unequal) / len(probes), 4)


def _dtype_of(arguments: argparse.Namespace) -> torch.dtype:
    from unlearnbench.engines.transformers.loading import choose_dtype

    return choose_dtype(arguments.dtype, torch.device("cpu"))


if __name__ == "__main__":
    main()
