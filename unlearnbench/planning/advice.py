"""What would do where a plan does not fit: more devices, other weights, another way to train."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from unlearnbench.planning import cost
from unlearnbench.planning.cost import Asked, TrainingWork
from unlearnbench.planning.fitting import PlannedModel, place, room
from unlearnbench.planning.machines import Machine, known_machines

_MOST = 512
"""Devices that are tried."""
_PACKED = 0.5625
"""Bytes of a weight in four bits, with a 16-bit scale for each 32 of them."""
_RANK = 16


def what_would_do(
    model: PlannedModel, asked: Asked | None, trained: TrainingWork | None, machine: Machine
) -> Iterator[str]:
    """Ways in which it fits, the simplest first; each is an estimate like the plan itself."""
    if trained is not None:
        if model.quantised:
            yield "a checkpoint whose weights are not quantised: packed weights are not trained"
        yield from _to_train(model, asked, trained, machine)
    elif asked is not None:
        yield from _to_ask(model, asked, machine)


def _to_ask(model: PlannedModel, asked: Asked, machine: Machine) -> Iterator[str]:
    dtype = machine.dtype
    many = place(model, asked, replace(machine, count=_MOST), dtype)
    if many.fits and machine.kind == "cuda":
        yield f"{many.each} of these devices and --device-map auto"
    packed = replace(model, quantised=True, stored=int(_PACKED * model.weights))
    if not model.quantised and place(packed, asked, machine, dtype).fits:
        size = (packed.stored or 0) / 1e9
        yield f"a checkpoint quantised to 4 bits ({size:.1f} GB of weights), scored as what it is"
    for other in sorted(known_machines().values(), key=lambda m: m.memory_bytes):
        if other.kind == "cuda" and place(model, asked, other, other.dtype).fits:
            yield f"one {other.title} (--on {other.name})"
            break
    if machine.kind == "cuda":
        yield "--device-map auto with parts on the CPU and the disk: it fits, and is far slower"


def _to_train(
    model: PlannedModel, asked: Asked | None, trained: TrainingWork, machine: Machine
) -> Iterator[str]:
    checkpointed = replace(trained, checkpointing=True)
    adapter = replace(trained, lora_rank=_RANK)
    ways = {
        "gradient checkpointing (--set gradient_checkpointing=true)": checkpointed,
        f"an adapter instead of all weights (--lora, rank {_RANK})": adapter,
        "an adapter and gradient checkpointing": replace(adapter, checkpointing=True),
    }
    for name, way in ways.items():
        if way != trained and _trains(model, asked, way, machine):
            yield name
    count = _fewest(lambda n: _trains(model, asked, trained, replace(machine, count=n)))
    if count:
        yield f"{count} of these devices, weights and optimiser sharded (FSDP)"
    fewer = _fewest(lambda n: _trains(model, asked, checkpointed, replace(machine, count=n)))
    if fewer and fewer < (count or _MOST + 1):
        yield f"{fewer} of these devices, sharded, with gradient checkpointing"


def _trains(
    model: PlannedModel, asked: Asked | None, trained: TrainingWork, machine: Machine
) -> bool:
    shape, weights = model.shape, model.weights
    memory = cost.training_bytes(shape, weights, trained, machine.kind, machine.count)
    if memory.total > room(machine):
        return False
    beside = cost.ADAM * cost.trained_weights(shape, weights, trained)
    return asked is None or place(model, asked, machine, "float32", beside).fits


def _fewest(fits: Callable[[int], bool]) -> int | None:
    """The fewest devices, a power of two from 2 up, for which something fits."""
    count = 2
    while count <= _MOST:
        if fits(count):
            return count
        count *= 2
    return None
