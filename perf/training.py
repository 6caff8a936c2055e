"""A JensUn step against the textbook one: speed and peak memory as ratios, and how equal they are.

Both train SmolLM2-135M on the same batches of WKF (4 forget + 4 retain rows) with the same fused
AdamW in float32, each in a process of its own. The textbook step pads, runs forget, retain and the
frozen reference separately, and takes the divergence over the whole vocabulary at every position.
On a GPU, memory is what the allocator held at most. `--json` ends with one line: step_speedup,
memory_ratio, loss_error, grad_error, bf16_curve_error (against the textbook step under the same
autocast) and bf16_to_float32.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch

from unlearnbench.benchmark import load_benchmark
from unlearnbench.checkpoints.resolve import resolve
from unlearnbench.engines.transformers.loading import choose_device, load_model
from unlearnbench.methods.jensun.loss import JensUn, JensUnParameters
from unlearnbench.methods.jensun.naive import forget_loss, retain_loss
from unlearnbench.training.batch import Batch, Row
from unlearnbench.training.encode import Encoder, collect
from unlearnbench.training.packing import pad
from unlearnbench.training.passes import Reference, Student
from unlearnbench.training.schedule import Schedule, make_schedule
from unlearnbench.training.settings import TrainSettings
from unlearnbench.training.train import peak_memory

BASE = "smollm2-135m"
WARM, TIMED = 2, 8
CURVE_STEPS = 50
Loss = Callable[[Batch], torch.Tensor]


def load(device: torch.device) -> tuple[Any, Any]:
    """Model and tokenizer, float32."""
    return load_model(resolve(BASE), device, torch.float32)


def planned(tokenizer: Any, steps: int) -> tuple[JensUn, Schedule]:
    """The method with the product's defaults, and so many steps of 4 + 4 rows."""
    method = JensUn(JensUnParameters())
    texts = collect(load_benchmark("wkf"), method.refusals())
    settings = TrainSettings(max_steps=steps)
    return method, make_schedule(texts, Encoder(tokenizer), method.sides, settings)


def textbook(model: Any, frozen: Any, exact: bool = False) -> Loss:
    """Every formula as it reads; three passes. `exact`: the divergences in float64."""

    def side(network: Any, rows: Sequence[Row]) -> tuple[torch.Tensor, torch.Tensor]:
        packed = pad(rows, network.device)
        targets = torch.full_like(packed.arguments["input_ids"], -100)
        targets[packed.places] = torch.tensor(
            [t for row in rows for t in row.answer], device=targets.device
        )
        logits = network(**packed.arguments, use_cache=False).logits
        return logits.double() if exact else logits, targets

    def loss(batch: Batch) -> torch.Tensor:
        forget = forget_loss(*side(model, batch.refused))
        logits, targets = side(model, batch.retain)
        with torch.no_grad():
            reference, _ = side(frozen, batch.retain)
        return 0.5 * forget + 0.5 * retain_loss(logits, reference, targets != -100)

    return loss


def ours(model: Any, method: JensUn, tokenizer: Any, reference: Reference) -> Loss:
    """The method as the trainer calls it."""
    student = Student(model)
    method.prepare(model, tokenizer)

    def loss(batch: Batch) -> torch.Tensor:
        terms = method.loss(student, reference, batch)
        assert terms.retain is not None
        return 0.5 * terms.forget + 0.5 * terms.retain

    return loss


def steps(model: Any, loss: Loss, batches: Sequence[Batch]) -> tuple[list[float], list[float]]:
    """Seconds and loss of each optimiser step."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=8e-6, weight_decay=0.01, fused=True)
    model.train()
    seconds, losses = [], []
    for batch in batches:
        began = time.perf_counter()
        value = loss(batch)
        value.backward()
        optimizer.step()
        optimizer.zero_grad()
        if model.device.type == "cuda":
            torch.cuda.synchronize(model.device)
        seconds.append(time.perf_counter() - began)
        losses.append(float(value.detach()))
    return seconds, losses


def measure(variant: str, device: torch.device) -> dict[str, Any]:
    """One variant's seconds a step and peak memory, in this process."""
    model, tokenizer = load(device)
    method, schedule = planned(tokenizer, WARM + TIMED)
    if variant == "textbook":
        frozen, _ = load(device)
        loss = textbook(model, frozen.requires_grad_(False))
    else:
        reference = Reference(Student(model))
        reference.remember(schedule.groups(["retain"]), None)
        loss = ours(model, method, tokenizer, reference)
    seconds, losses = steps(model, loss, schedule.batches)
    return {
        "seconds": statistics.median(seconds[WARM:]),
        "peak": peak_memory(device),
        "losses": losses,
    }


def equality(device: torch.device) -> dict[str, float]:
    """Largest relative errors of loss and gradient, at a student that has left its reference."""
    model, tokenizer = load(device)
    frozen, _ = load(device)
    method, schedule = planned(tokenizer, 3)
    reference = Reference(Student(model))
    reference.remember(schedule.groups(["retain"]), None)
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * parameter.std() * torch.randn_like(parameter))
    naive, fast = textbook(model, frozen, exact=True), ours(model, method, tokenizer, reference)
    worst = {"loss_error": 0.0, "grad_error": 0.0}
    for batch in schedule.batches:
        found = [_value_and_gradient(model, loss, batch) for loss in (naive, fast)]
        (want, right), (got, fast_gradient) = found
        distance = float((fast_gradient - right).norm() / right.norm())
        worst["loss_error"] = max(worst["loss_error"], abs(got - want) / want)
        worst["grad_error"] = max(worst["grad_error"], distance)
    return worst


def _value_and_gradient(model: Any, loss: Loss, batch: Batch) -> tuple[float, torch.Tensor]:
    model.zero_grad()
    value = loss(batch)
    value.backward()
    return float(value.detach()), torch.cat([p.grad.flatten() for p in model.parameters()])


def curve(variant: str, autocast: bool, device: torch.device) -> list[float]:
    """The loss of 50 steps, under bfloat16 autocast or in float32."""
    model, tokenizer = load(device)
    method, schedule = planned(tokenizer, CURVE_STEPS)
    if variant == "textbook":
        frozen, _ = load(device)
        inner = textbook(model, frozen.requires_grad_(False))
    else:
        with torch.autocast(device.type, torch.bfloat16, enabled=autocast):
            reference = Reference(Student(model))
            reference.remember(schedule.groups(["retain"]), None)
        inner = ours(model, method, tokenizer, reference)

    def loss(batch: Batch) -> torch.Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=autocast):
            return inner(batch)

    return steps(model, loss, schedule.batches)[1]


def in_own_process(part: str, device: torch.device) -> Any:
    """Run one part where nothing else has taken memory."""
    command = [sys.executable, __file__, "--part", part, "--device", str(device)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ)
    return json.loads(done.stdout.splitlines()[-1])


def apart(name: str, other: Sequence[float], half: Sequence[float]) -> float:
    """Mean relative distance of the bf16 curve from another, which is also printed."""
    each = [abs(a - b) / a for a, b in zip(other, half, strict=True)]
    mean, early = statistics.mean(each), statistics.mean(each[: CURVE_STEPS // 2])
    print(f"{CURVE_STEPS} steps in bf16 against {name}: mean {mean:.2%} apart (first half ", end="")
    print(f"{early:.2%}), at most {max(each):.2%}; ends {other[-1]:.4f} and {half[-1]:.4f}")
    return mean


PARTS: dict[str, Callable[[torch.device], Any]] = {
    "textbook": lambda device: measure("textbook", device),
    "ours": lambda device: measure("ours", device),
    "equality": equality,
    "float32": lambda device: curve("ours", False, device),
    "bf16": lambda device: curve("ours", True, device),
    "textbook-bf16": lambda device: curve("textbook", True, device),
}


def main() -> None:
    """Measure everything, print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument(
        "--no-bf16", action="store_true", help="leave the three 50-step curves away"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, …")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    if arguments.part:
        print(json.dumps(PARTS[arguments.part](device)))
        return
    own = partial(in_own_process, device=device)
    slow, fast = own("textbook"), own("ours")
    result = {
        "step_speedup": slow["seconds"] / fast["seconds"],
        "memory_ratio": fast["peak"] / slow["peak"],
        **own("equality"),
    }
    for name, found in (("textbook", slow), ("ours", fast)):
        print(f"{name:9} {found['seconds']:.3f} s a step, peak {found['peak'] / 1e9:.2f} GB")
    if not arguments.no_bf16:
        half = own("bf16")
        result["bf16_curve_error"] = apart("textbook in bf16", own("textbook-bf16"), half)
        result["bf16_to_float32"] = apart("float32", own("float32"), half)
    for name, value in result.items():
        print(f"  {name:18} {value:.3g}")
    if arguments.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
