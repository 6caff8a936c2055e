"""Diagnostic `interpolate`: the straight line from the base model to the checkpoint.

How far apart the two are in weights and in what they say, and where on the way facts are lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import nn

from unlearnbench.attacks.stress.asking import ask_changed, ask_each
from unlearnbench.attacks.stress.base import Loadable, Subject
from unlearnbench.attacks.stress.findings import Finding
from unlearnbench.attacks.stress.planned import PlannedRun
from unlearnbench.attacks.stress.variants import (
    SHARES,
    distance_note,
    plan_interpolate,
    protocol_plan,
)
from unlearnbench.engines.transformers.engine import ModelEngine
from unlearnbench.engines.transformers.prompts import encode
from unlearnbench.errors import CheckpointError
from unlearnbench.hashing import sha256_json
from unlearnbench.types import ORIGINAL, Probe, Setting


class Interpolate:
    """Worst case at shares of the way; unranked, since nobody has a model in between."""

    name = "interpolate"
    summary = "worst case on the line from the base model to the checkpoint, distance and KL"
    needs_base = True
    needs_weights = True

    def run(self, subject: Subject) -> list[Finding]:
        """See `StressTest`. Raises `CheckpointError` if base and checkpoint do not fit."""
        assert subject.base is not None
        before = subject.base.fingerprint
        distances = subject.measured("distance", partial(_distances, _first_questions(subject)))
        runs = list(zip(SHARES, plan_interpolate(subject.inputs), strict=True))

        def ask(run: tuple[float, PlannedRun]) -> Finding:
            share, planned = run
            change: dict[str, Setting] = {"base": before, "share": share}
            return ask_changed(planned, subject, change, partial(between, share))

        findings = []
        for one in ask_each(ask, runs, subject):
            details = {**one.details, **distances}
            findings.append(replace(one, details=details, note=distance_note(details)))
        return findings


def between(share: float, models: Loadable) -> ModelEngine:
    """The model at a share of the way from the base to the checkpoint."""
    assert models.base is not None and models.load_base is not None
    model, tokenizer = models.load()
    first, _ = models.load_base()
    move(model, dict(first.named_parameters()), share)
    digest = sha256_json([models.base.fingerprint, models.checkpoint.fingerprint, share])
    changed = models.checkpoint.with_weights(digest)
    return ModelEngine(changed, model, tokenizer, models.options)


@torch.no_grad()
def move(model: nn.Module, base: Mapping[str, torch.Tensor], share: float) -> None:
    """Set every parameter to base + share · (its value - base).

    Raises `CheckpointError` if a parameter is missing in the base or has another shape.
    """
    _check_fit(model, base)
    for name, parameter in model.named_parameters():
        before = base[name].to(parameter.device, parameter.dtype)
        parameter.copy_(torch.lerp(before, parameter, share))


def _check_fit(model: nn.Module, base: Mapping[str, torch.Tensor]) -> None:
    for name, parameter in model.named_parameters():
        before = base.get(name)
        if before is None or before.shape != parameter.shape:
            problem = "missing" if before is None else "of another shape"
            raise CheckpointError(
                f"--base: the checkpoint's {name} is {problem}; give the model that was unlearnt"
            )


def _first_questions(subject: Subject) -> list[Probe]:
    plan = protocol_plan(subject.benchmark, subject.scale, subject.prompt_format, subject.seed)
    return [
        p
        for p in plan.probes
        if p.split == "forget" and p.key.phrasing == ORIGINAL and p.key.context == "plain"
    ]


@torch.no_grad()
def _distances(probes: Sequence[Probe], models: Loadable) -> dict[str, float]:
    """||θ - θ_0|| and its share of ||θ_0||; mean KL(base ‖ checkpoint) after prompts, nats."""
    assert models.load_base is not None
    base, checkpoint = models.load_base(), models.load()
    first = dict(base[0].named_parameters())
    _check_fit(checkpoint[0], first)
    pairs = [(first[name], p) for name, p in checkpoint[0].named_parameters()]
    moved = sum(float((p.double() - q.double()).square().sum()) for q, p in pairs) ** 0.5
    size = sum(float(q.double().square().sum()) for q, _ in pairs) ** 0.5
    total = 0.0
    for probe in probes:
        ids = torch.tensor([encode(checkpoint[1], probe)], device=checkpoint[0].device)
        p, q = (
            torch.log_softmax(model(input_ids=ids, use_cache=False).logits[0, -1].double(), -1)
            for model in (base[0], checkpoint[0])
        )
        total += float((p.exp() * (p - q)).sum())
    return {
        "distance": moved,
        "relative_distance": moved / size,
        "kl_forget_first_token": total / len(probes),
    }
