"""The training of one arm and seed, from scored step to scored step."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn
from transformers import PreTrainedModel

from unlearnbench.attacks.catalog import RelearnProfile
from unlearnbench.engines.transformers.memory import free_bytes
from unlearnbench.environment import extra
from unlearnbench.errors import TrainingError
from unlearnbench.files.disk import drafting, writing
from unlearnbench.training.batch import Row
from unlearnbench.training.passes import Student

_STATE = "state.safetensors"
_log = logging.getLogger(__name__)


class Trajectory:
    """A model on its way. `step` counts optimiser steps taken; `losses` are those of the last leg.

    What a step does depends on the rows, the profile and the seed alone, so a trajectory that is
    taken up again from its saved state ends in the same weights on the same kind of machine.
    """

    def __init__(
        self, model: PreTrainedModel, rows: Sequence[Row], profile: RelearnProfile, seed: int
    ) -> None:
        self.model = model
        self.step = 0
        self.losses: list[float] = []
        self._rows = rows
        self._profile = profile
        self._seed = seed
        self._student = Student(model)
        note = self._student.check(rows[: min(3, len(rows))])
        if note is not None:
            _log.info("%s", note)
        self._batches = self._endless()
        trained = [p for p in model.parameters() if p.requires_grad]
        lora = any("lora_" in name for name, _ in model.named_parameters())
        self._optimizer = torch.optim.AdamW(
            trained,
            lr=profile.lora_lr if lora else profile.lr,
            weight_decay=profile.weight_decay,
        )

    def go_to(self, step: int) -> None:
        """Train until `step`. Raises `TrainingError` if the loss is not finite."""
        self.losses = []
        while self.step < step:
            rows = next(self._batches)
            # For dropout, in models that have it: no state to be saved.
            torch.manual_seed(1_000_003 * self._seed + self.step)
            self.model.train()
            (answers,) = self._student(rows)
            loss = -answers.log_probs().mean()
            if not torch.isfinite(loss):
                names = ", ".join(row.name for row in rows)
                raise TrainingError(
                    f"relearning step {self.step + 1}: the loss is {float(loss)}; the rows were "
                    f"{names}; the checkpoint may be broken"
                )
            loss.backward()
            trained = [p for p in self.model.parameters() if p.requires_grad]
            nn.utils.clip_grad_norm_(trained, self._profile.max_grad_norm)
            self._optimizer.step()
            self._optimizer.zero_grad()
            self.losses.append(float(loss.detach()))
            self.step += 1
        self.model.train(False)

    def _endless(self) -> Iterator[list[Row]]:
        """Batches of rows, shuffled anew each time around; every batch is full."""
        draw = random.Random(f"{self._seed}/relearn")
        waiting: list[Row] = []
        while True:
            while len(waiting) < self._profile.batch_size:
                waiting += draw.sample(self._rows, len(self._rows))
            yield waiting[: self._profile.batch_size]
            waiting = waiting[self._profile.batch_size :]

    def save(self, folder: Path) -> None:
        """Store weights and optimiser state, replacing an earlier state."""
        tensors, counts = {}, {}
        for name, parameter in self._trained():
            tensors[f"weight/{name}"] = parameter.detach()
            for key, value in self._optimizer.state.get(parameter, {}).items():
                if key == "step":
                    counts[name] = float(value)
                else:
                    tensors[f"{key}/{name}"] = value
        about = {"step": str(self.step), "counts": json.dumps(counts)}
        about["losses"] = json.dumps(self.losses)
        with drafting(folder / _STATE) as draft:
            save_file({n: t.contiguous() for n, t in tensors.items()}, draft, about)

    @torch.no_grad()
    def restore(self, folder: Path) -> bool:
        """Load the state that `save` stored; False without a complete state of this model."""
        path = folder / _STATE
        about = _about(path)
        if about is None or not self._fits(path):
            return False
        with safe_open(path, framework="pt") as file:
            counts = json.loads(about["counts"])
            kept = set(file.keys())
            for name, parameter in self._trained():
                parameter.copy_(file.get_tensor(f"weight/{name}"))
                state = {
                    key: file.get_tensor(f"{key}/{name}").to(parameter.device)
                    for key in ("exp_avg", "exp_avg_sq")
                    if f"{key}/{name}" in kept
                }
                if name in counts:
                    state["step"] = torch.tensor(counts[name])
                self._optimizer.state[parameter] = state
        self.step = int(about["step"])
        self.losses = json.loads(about["losses"])
        for _ in range(self.step):
            next(self._batches)
        return True

    def _fits(self, path: Path) -> bool:
        """Whether a state holds a tensor of the right shape for every trained weight."""
        with safe_open(path, framework="pt") as file:
            names = set(file.keys())
            return all(
                f"weight/{name}" in names
                and file.get_slice(f"weight/{name}").get_shape() == list(parameter.shape)
                for name, parameter in self._trained()
            )

    def _trained(self) -> Iterator[tuple[str, nn.Parameter]]:
        return ((n, p) for n, p in self.model.named_parameters() if p.requires_grad)


def kept_losses(folder: Path, step: int) -> list[float]:
    """The losses on the way to `step`, if the stored state is at that step."""
    about = _about(folder / _STATE)
    if about is None or int(about["step"]) != step:
        return []
    losses: list[float] = json.loads(about["losses"])
    return losses


def _about(path: Path) -> dict[str, str] | None:
    """The header of a stored state; None without a complete state."""
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            about: dict[str, str] = file.metadata() or {}
        int(about["step"]), json.loads(about["counts"]), json.loads(about["losses"])
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        _log.info("%s is not whole and not gone on from: %s", path, error)
        return None
    return about


def forget_state(folder: Path) -> None:
    """Remove the stored state."""
    with writing(folder / _STATE):
        (folder / _STATE).unlink(missing_ok=True)


def prepare(model: PreTrainedModel, lora: bool, profile: RelearnProfile, seed: int) -> None:
    """Set up which weights are trained: all, or a fresh adapter in the linear layers.

    Raises `TrainingError` if the machine has too little memory for it.
    """
    if lora:
        peft = extra("peft", "peft")
        torch.manual_seed(seed)
        config = peft.LoraConfig(
            r=profile.lora_rank,
            lora_alpha=2 * profile.lora_rank,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        )
        peft.inject_adapter_in_model(config, model)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("lora_" in name if lora else True)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    # Gradient and two moments, float32; activations of a few short rows come on top.
    needed_bytes, free = 12 * trained, free_bytes(model.device)
    if needed_bytes > free:
        raise TrainingError(
            f"relearning needs {needed_bytes / 1e9:.1f} GB for gradients and optimiser beside the "
            f"weights, {free / 1e9:.1f} GB are free on {model.device}; "
            + ("use a larger machine" if lora else "try --lora or a larger machine")
        )
