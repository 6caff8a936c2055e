"""From a checkpoint's outline, its work and a machine to figures, each with where it comes from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from unlearnbench.checkpoints.outline import CheckpointOutline
from unlearnbench.planning import advice, cost
from unlearnbench.planning.cost import Asked, Bytes, TrainingWork
from unlearnbench.planning.fitting import PlannedModel, place, room
from unlearnbench.planning.machines import Kind, Machine
from unlearnbench.planning.shape import shape_of
from unlearnbench.types import Estimate

SHORT = 12
"""Tokens of an answer that ends early, as most do."""
Unit = Literal["B", "s", "USD", ""]


@dataclass(frozen=True, slots=True)
class PlannedFigure:
    """A figure of a plan: bytes, seconds, US dollars or a count, and where it comes from."""

    name: str
    value: float
    unit: Unit
    kind: Kind
    why: str = ""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a command would take. `advice` says what would do where it does not fit."""

    command: str
    checkpoint: str
    machine: str
    devices: int
    fits: bool
    figures: tuple[PlannedFigure, ...]
    advice: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def value(self, name: str) -> float:
        """The figure of that name; `KeyError` if the plan has none."""
        return {figure.name: figure.value for figure in self.figures}[name]


@dataclass(frozen=True, slots=True)
class JudgingWork:
    """What a judge called `judge` would take for each of `times` runs, at most."""

    judge: str
    times: int
    each: Estimate


@dataclass(frozen=True, slots=True)
class Work:
    """What a command does: prompts to answer, steps to train, and how often weights are loaded.

    `counted`: whether its tokens are counted or taken from numbers of characters.
    """

    command: str
    asked: Asked | None
    trained: TrainingWork | None
    dtype: str
    counted: Kind
    loads: int = 1
    notes: tuple[str, ...] = ()
    judging: tuple[JudgingWork, ...] = ()


def model_of(outline: CheckpointOutline) -> PlannedModel:
    """The model of an outline. Raises `CheckpointError` if its shape is not stated."""
    shape = shape_of(outline.config, outline.name)
    return PlannedModel(
        shape=shape,
        weights=outline.weights or shape.weights,
        kind="estimate" if outline.weights is None else "counted",
        stored=outline.stored_bytes,
        quantised=outline.quantised is not None,
    )


def forecast(outline: CheckpointOutline, work: Work, machine: Machine) -> Forecast:
    """The plan of a command for a checkpoint on a machine. Raises `CheckpointError`."""
    model = model_of(outline)
    if work.trained is not None:
        fits, memory, seconds, how = _training(model, work, machine)
    else:
        fits, memory, seconds, how = _answering(model, work, machine)
    start = cost.loading_seconds(work.loads * model.file_bytes)
    figures = [*_sizes(model, work), *_memory(memory, machine), *_bill(start + seconds, machine)]
    if work.asked is not None:
        short = replace(work, asked=replace(work.asked, new_tokens=SHORT))
        sooner = (_answering if work.trained is None else _training)(model, short, machine)[2]
        why = f"if answers end after {SHORT} tokens"
        figures.append(PlannedFigure("time, short answers", start + sooner, "s", "estimate", why))
    figures += _judging(work.judging)
    wanted = () if fits else tuple(advice.what_would_do(model, work.asked, work.trained, machine))
    return Forecast(
        command=work.command,
        checkpoint=outline.name,
        machine=machine.title,
        devices=machine.count,
        fits=fits,
        figures=tuple(figures),
        advice=wanted,
        notes=tuple(_notes(outline, model, work, machine, how)),
    )


def _answering(model: PlannedModel, work: Work, machine: Machine) -> tuple[bool, Bytes, float, str]:
    assert work.asked is not None
    placed = place(model, work.asked, machine, work.dtype)
    share = _share(work.asked, placed.copies)
    seconds = cost.answering_seconds(
        model.shape, model.weights, share, placed.rows, machine, work.dtype
    )
    how = f"{placed.rows} rows at a time"
    if placed.each > 1:
        how += f", a copy over {placed.each} devices (--device-map auto), one computing at a time"
    if placed.copies > 1:
        how += f", {placed.copies} copies side by side (--executor ray)"
    return placed.fits, placed.memory, seconds, how


def _training(model: PlannedModel, work: Work, machine: Machine) -> tuple[bool, Bytes, float, str]:
    assert work.trained is not None
    shape, trained, count = model.shape, work.trained, machine.count
    memory = cost.training_bytes(shape, model.weights, trained, machine.kind, count)
    seconds = cost.training_seconds(shape, model.weights, trained, machine, count)
    fits = memory.total <= room(machine) and not model.quantised
    if work.asked is not None:
        beside = cost.ADAM * cost.trained_weights(shape, model.weights, trained)
        placed = place(model, work.asked, machine, work.dtype, beside)
        fits = fits and placed.fits
        memory = max(memory, placed.memory, key=lambda part: part.total)
        # One training is scored where it stands, by one copy.
        seconds += cost.answering_seconds(
            shape, model.weights, work.asked, placed.rows, machine, work.dtype
        )
    how = f"{trained.rows} rows a micro-batch"
    if count > 1:
        how += f", weights and states sharded over {count} devices (FSDP)"
    return fits, memory, seconds, how


def _share(asked: Asked, copies: int) -> Asked:
    """What one of several copies is asked."""

    def part(number: int) -> int:
        return math.ceil(number / copies)

    return replace(
        asked,
        prompts=part(asked.prompts),
        tokens=part(asked.tokens),
        distinct=part(asked.distinct),
    )


def _sizes(model: PlannedModel, work: Work) -> Iterator[PlannedFigure]:
    headers = "headers of the files" if model.kind == "counted" else "config.json"
    yield PlannedFigure("weights", model.weights, "", model.kind, headers)
    renderer = "its own tokenizer" if work.counted == "counted" else "a token is 3 characters"
    if work.asked is not None:
        asked = work.asked
        yield PlannedFigure("prompts", asked.prompts, "", "counted", "the plan of the benchmark")
        yield PlannedFigure("prompt tokens", asked.tokens, "", work.counted, renderer)
        why = "each shared prefix once"
        yield PlannedFigure("distinct tokens", asked.distinct, "", work.counted, why)
        most = asked.prompts * asked.new_tokens
        yield PlannedFigure("answer tokens", most, "", "estimate", "at most: no answer ends early")
    if work.trained is not None:
        trained = work.trained
        yield PlannedFigure("steps", trained.steps, "", "counted", "the schedule")
        tokens = trained.steps * trained.accumulation * trained.tokens
        yield PlannedFigure("trained tokens", tokens, "", work.counted, renderer)


def _memory(memory: Bytes, machine: Machine) -> Iterator[PlannedFigure]:
    parts = {
        "weights in memory": memory.weights,
        "key-value cache": memory.cache,
        "activations and logits": memory.activations,
        "gradients": memory.gradients,
        "optimiser": memory.optimiser,
        "reference": memory.reference,
        "libraries": memory.runtime,
    }
    for name, size in parts.items():
        if size:
            yield PlannedFigure(name, size, "B", "estimate", "a device")
    yield PlannedFigure("peak memory", memory.total, "B", "estimate", "a device")
    there = "free now, a device" if machine.origin == "measured" else "a device"
    yield PlannedFigure("memory there", machine.memory_bytes, "B", machine.origin, there)


def _bill(seconds: float, machine: Machine) -> Iterator[PlannedFigure]:
    peak = machine.peak(machine.dtype) / 1e12
    speed = f"{machine.origin} peak {peak:.3g} TFLOP/s {machine.dtype}"
    yield PlannedFigure("time", seconds, "s", "estimate", speed)
    if machine.price is not None:
        why = f"{machine.price:g} US dollars a device and hour, {machine.price_date}"
        price = cost.rent(seconds, machine) or 0.0
        yield PlannedFigure("money", price, "USD", "estimate", why)


def _judging(parts: Sequence[JudgingWork]) -> Iterator[PlannedFigure]:
    """Calls and money of each judge; money only where the price of its model is listed."""
    for name in dict.fromkeys(part.judge for part in parts):
        own = [part for part in parts if part.judge == name]
        why = f"judge {name}, at most: no two answers are alike"
        calls = sum(part.times * part.each.calls for part in own)
        yield PlannedFigure("calls of the judge", calls, "", "estimate", why)
        tokens = sum(p.times * (p.each.input_tokens + p.each.output_tokens) for p in own)
        yield PlannedFigure("tokens of the judge", tokens, "", "estimate", why)
        prices = [part.times * part.each.dollars for part in own if part.each.dollars is not None]
        if len(prices) == len(own):
            yield PlannedFigure("money for the judge", sum(prices), "USD", "estimate", why)


def _notes(
    outline: CheckpointOutline, model: PlannedModel, work: Work, machine: Machine, how: str
) -> Iterator[str]:
    yield how
    if outline.note:
        yield outline.note
    yield from work.notes
    if machine.fitted:
        yield f"speed fitted to {machine.fitted}; docs/SCALE.md says how far off it is"
    else:
        yield "speed not fitted to this machine: shares of the peak taken from others"
    if machine.price is None:
        yield "price not known: give --price (US dollars a device and hour)"
    unpriced = dict.fromkeys(p.judge for p in work.judging if p.each.dollars is None)
    for judge in unpriced:
        yield f"judge {judge}: neither its time nor its price is in the plan"
    if model.shape.experts > 1:
        yield "a mixture of experts: the time supposes that every expert computes, an upper bound"
    if model.quantised:
        yield (
            f"quantised ({outline.quantised}): its weights are counted from config.json, and its "
            "speed is that of plain numbers"
        )
    if outline.gguf is not None:
        yield "a GGUF file is dequantised to float32 on first use, which is not in the time"
