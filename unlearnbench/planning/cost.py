"""The cost model: pure functions from sizes to bytes, seconds and dollars.

Bytes follow from the shape. Seconds are arithmetic over what share of a device's peak is reached,
or bytes over bandwidth, whichever takes longer, and what the host adds. The shares are fitted to
docs/SPEED.md; docs/SCALE.md shows how far they are off. All that is worked out here is an estimate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from unlearnbench.planning.machines import Machine
from unlearnbench.planning.shape import ModelShape

ADAM = 8
"""Bytes of AdamW's two moments a trained weight, in float32."""
GRADIENT = 4
RUNTIME_BYTES = {"cpu": 0.6e9, "cuda": 0.6e9}
"""Python and its libraries, or what CUDA keeps for itself."""
LIBRARIES_S = 13.0
"""Python and libraries before a command begins; measured on the H100's machine."""
READ = 1e9
"""Bytes of weights a second from disk."""
ANSWERING = {"cpu": 0.40, "cuda": 0.35}
"""Share of a device's peak that decoding reaches."""
TRAINING = {"cpu": 0.80, "cuda": 0.35}
"""Share that a training step reaches."""
HOST_PROBE_S = {"cpu": 0.0, "cuda": 0.35e-3}
"""What the host takes for the prompt of a probe while a GPU waits."""
LAYER_S = {"cpu": 0.0, "cuda": 0.25e-3}
"""What launching one layer of one decoding step takes."""
TRAINED_LAYER_S = {"cpu": 0.0, "cuda": 2.5e-3}
"""The same for a layer of a training step, forward, backward and optimiser."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Prompts that are answered: how many, their tokens in all and without shared prefixes.

    `longest` holds the answer too. Every answer is taken to have all its `new_tokens`.
    """

    prompts: int
    tokens: int
    distinct: int
    longest: int
    new_tokens: int

    def __add__(self, other: Asked) -> Asked:
        """Both, one after the other."""
        return Asked(
            self.prompts + other.prompts,
            self.tokens + other.tokens,
            self.distinct + other.distinct,
            max(self.longest, other.longest),
            max(self.new_tokens, other.new_tokens),
        )


@dataclass(frozen=True, slots=True)
class TrainingWork:
    """Optimiser steps; rows, tokens and answer tokens of one micro-batch, `accumulation` a step.

    `tokens` and `answers` are means, `most_tokens` and `most_answers` those of the largest.
    `dtype` is what products are in; weights are float32. `refers`: a frozen head and the states of
    `kept_states` answer tokens stand beside the model. `lora_rank` 0: all weights are trained.
    """

    steps: int
    rows: int
    tokens: int
    answers: int
    most_tokens: int
    most_answers: int
    dtype: str = "float32"
    accumulation: int = 1
    refers: bool = False
    kept_states: int = 0
    lora_rank: int = 0
    checkpointing: bool = False


@dataclass(frozen=True, slots=True)
class Bytes:
    """Memory of one device at its peak, by what takes it."""

    weights: float
    cache: float = 0.0
    activations: float = 0.0
    gradients: float = 0.0
    optimiser: float = 0.0
    reference: float = 0.0
    runtime: float = 0.0

    @property
    def total(self) -> float:
        """All of it."""
        parts = (self.weights, self.cache, self.activations, self.gradients, self.optimiser)
        return sum(parts) + self.reference + self.runtime


def width(dtype: str) -> int:
    """Bytes of a number of that type."""
    return 4 if dtype == "float32" else 2


def kv_bytes(shape: ModelShape, tokens: int, dtype: str) -> int:
    """Keys and values of so many tokens, in every layer."""
    return 2 * shape.layers * shape.kv_heads * shape.head_dim * tokens * width(dtype)


def logit_bytes(shape: ModelShape, tokens: int, copies: int) -> int:
    """Float32 logits of so many tokens."""
    return 4 * copies * tokens * shape.vocabulary


def activation_bytes(shape: ModelShape, tokens: int, dtype: str, checkpointing: bool) -> int:
    """What the backward pass needs of the forward pass: per layer, or its inputs and one layer."""
    narrow = 2 * shape.kv_heads * shape.head_dim
    layer = tokens * (8 * shape.hidden + narrow + 4 * shape.inner) * width(dtype)
    if checkpointing:
        return shape.layers * tokens * shape.hidden * width(dtype) + layer
    return shape.layers * layer


def rows_at_a_time(shape: ModelShape, asked: Asked, free: float, dtype: str, most: int) -> int:
    """Rows that the engine decodes together: half the free memory is for their cache."""
    row = kv_bytes(shape, asked.longest, dtype)
    return max(1, min(most, int(free / 2 // row), asked.prompts))


def answering_bytes(
    shape: ModelShape, weights: float, asked: Asked, rows: int, dtype: str, kind: str
) -> Bytes:
    """Memory while `rows` are decoded; `weights` are bytes."""
    step = min(asked.tokens, 16384 if kind == "cuda" else 1024)
    states = step * (4 * shape.hidden + 3 * shape.inner) * width(dtype)
    return Bytes(
        weights=weights,
        cache=kv_bytes(shape, rows * asked.longest, dtype),
        activations=max(states, logit_bytes(shape, rows, 2)),
        runtime=RUNTIME_BYTES[kind],
    )


def trained_weights(shape: ModelShape, weights: int, trained: TrainingWork) -> int:
    """How many weights the optimiser changes."""
    return shape.lora_weights(trained.lora_rank) if trained.lora_rank else weights


def training_bytes(
    shape: ModelShape, weights: int, trained: TrainingWork, kind: str, devices: int = 1
) -> Bytes:
    """Memory of one device in training; over several, weights and states are sharded (FSDP).

    Under sharding two layers are whole at a time, and each device has its share of the rows, but
    at least one.
    """
    changed = trained_weights(shape, weights, trained)
    whole = weights + (changed if trained.lora_rank else 0)
    share = max(1, math.ceil(trained.rows / devices)) / trained.rows
    tokens = math.ceil(trained.most_tokens * share)
    answers = math.ceil(trained.most_answers * share)
    gathered = 0.0 if devices == 1 else 4.0 * (2 * shape.layer_weights + shape.head_weights)
    copies = 2 * whole / devices if trained.dtype != "float32" else 0.0
    head = 4 * shape.head_weights if trained.refers and not trained.lora_rank else 0
    return Bytes(
        weights=4 * whole / devices + gathered + copies,
        activations=activation_bytes(shape, tokens, trained.dtype, trained.checkpointing)
        + logit_bytes(shape, answers, 3 if trained.refers else 2),
        gradients=GRADIENT * changed / devices,
        optimiser=ADAM * changed / devices,
        reference=head + 4 * shape.hidden * trained.kept_states if trained.refers else 0,
        runtime=RUNTIME_BYTES[kind],
    )


def answering_seconds(
    shape: ModelShape, weights: int, asked: Asked, rows: int, machine: Machine, dtype: str
) -> float:
    """Seconds of one device for all prompts, without loading."""
    body = weights - (1 if shape.tied else 2) * shape.head_weights
    answered = asked.prompts * asked.new_tokens
    flop = 2.0 * (body * (asked.distinct + answered) + shape.head_weights * answered)
    arithmetic = flop / (machine.peak(dtype) * ANSWERING[machine.kind])
    steps = math.ceil(asked.prompts / rows) * asked.new_tokens
    read = (body + shape.head_weights) * width(dtype)
    read += kv_bytes(shape, rows * asked.longest, dtype)
    moved = steps * read / machine.bandwidth
    host = asked.prompts * HOST_PROBE_S[machine.kind]
    return max(arithmetic, moved) + host + steps * shape.layers * LAYER_S[machine.kind]


def training_seconds(
    shape: ModelShape, weights: int, trained: TrainingWork, machine: Machine, devices: int = 1
) -> float:
    """Seconds of all steps; over several devices each takes its share of the rows.

    Twice the forward pass for the backward one, once more for checkpointing; an adapter spares the
    gradients of the frozen weights.
    """
    body = weights - (1 if shape.tied else 2) * shape.head_weights
    passes = (2 if trained.lora_rank else 3) + (1 if trained.checkpointing else 0)
    share = max(1, math.ceil(trained.rows / devices)) / trained.rows
    flop = 2.0 * passes * body * trained.tokens * share
    heads = passes + (1 if trained.refers else 0)
    flop += 2.0 * heads * shape.head_weights * trained.answers * share
    arithmetic = flop / (machine.peak(trained.dtype) * TRAINING[machine.kind])
    host = shape.layers * TRAINED_LAYER_S[machine.kind]
    shared = 0.0 if devices == 1 else 3 * 4 * weights * (devices - 1) / devices / machine.link
    changed = trained_weights(shape, weights, trained)
    update = 28.0 * changed / devices / machine.bandwidth  # weight, gradient, moments; in and out
    batch = max(arithmetic, shared) + host
    once = trained.kept_states * 2.0 * body * trained.tokens / max(1, trained.answers)
    first = once / devices / (machine.peak("float32") * TRAINING[machine.kind])
    return trained.steps * (trained.accumulation * batch + update) + first


def loading_seconds(stored: float) -> float:
    """Start of Python, and weights from disk."""
    return LIBRARIES_S + stored / READ


def rent(seconds: float, machine: Machine) -> float | None:
    """What all devices cost for so long; None without a price."""
    return None if machine.price is None else seconds / 3600 * machine.price * machine.count
