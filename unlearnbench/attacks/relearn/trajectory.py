"""The training of one arm and seed, from scored step to scored step."""

from __future__ import annotations

import json
import logging
import math
import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn
from torch.distributed.tensor import DTensor
from transformers import PreTrainedModel

from unlearnbench.attacks.catalog import RelearnProfile
from unlearnbench.engines.transformers.memory import free_bytes
from unlearnbench.environment import extra, this_process
from unlearnbench.errors import TrainingError
from unlearnbench.files.disk import drafting, writing
from unlearnbench.training.batch import Row
from unlearnbench.training.passes import Student
from unlearnbench.training.processes import error_in_all, first_decides, means, share
from unlearnbench.training.sharding import dealt, gathered

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
            # FSDP averages gradients over the processes: each counts by its share of the tokens.
            own = share(rows)
            (answers,) = self._student(own or rows[:1])
            tokens, mine = (sum(len(row.answer) for row in some) for some in (rows, own))
            loss = -answers.log_probs().mean() * (this_process().count * mine / tokens)
            value = means({"loss": float(loss.detach())})["loss"]
            if not math.isfinite(value):
                names = ", ".join(row.name for row in rows)
                raise error_in_all(
                    f"relearning step {self.step + 1}: the loss is {value}; the rows were "
                    f"{names}; the checkpoint may be broken"
                )
            loss.backward()
            trained = [p for p in self.model.parameters() if p.requires_grad]
            nn.utils.clip_grad_norm_(trained, self._profile.max_grad_norm)
            self._optimizer.step()
            self._optimizer.zero_grad()
            self.losses.append(value)
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
            tensors[f"weight/{name}"] = _whole(parameter)
            for key, value in self._optimizer.state.get(parameter, {}).items():
                if key == "step":
                    counts[name] = float(value)
                else:
                    tensors[f"{key}/{name}"] = _whole(value)
        about = {"step": str(self.step), "counts": json.dumps(counts)}
        about["losses"] = json.dumps(self.losses)

        def write() -> None:
            with drafting(folder / _STATE) as draft:
                save_file({n: t.contiguous() for n, t in tensors.items()}, draft, about)

        first_decides(write)

    @torch.no_grad()
    def restore(self, folder: Path) -> bool:
        """Load the state that `save` stored; False without a complete state of this model."""
        path = folder / _STATE
        about = first_decides(lambda: _about(path) if self._fits(path) else None)
        if about is None:
            return False
        counts = json.loads(about["counts"])
        with ExitStack() as stack:
            file: Any = None
            if this_process().first:
                file = stack.enter_context(safe_open(path, framework="pt"))

            def read(name: str, like: torch.Tensor) -> torch.Tensor:
                return dealt(None if file is None else file.get_tensor(name), like)

            for name, parameter in self._trained():
                parameter.copy_(read(f"weight/{name}", parameter))
                if name in counts:
                    keys = ("exp_avg", "exp_avg_sq")
                    state = {key: read(f"{key}/{name}", parameter) for key in keys}
                    state["step"] = torch.tensor(counts[name])
                    self._optimizer.state[parameter] = state
        self.step = int(about["step"])
        self.losses = json.loads(about["losses"])
        for _ in range(self.step):
            next(self._batches)
        return True

    def _fits(self, path: Path) -> bool:
        """Whether a state is whole, with a tensor of the right shape for every trained weight."""
        if _about(path) is None:
            return False
        with safe_open(path, framework="pt") as file:
            names = set(file.keys())
            return all(
                f"weight/{name}" in names
                and file.get_slice(f"weight/{name}").get_shape() == list(parameter.shape)
                for name, parameter in self._trained()
            )

    def _trained(self) -> Iterator[tuple[str, nn.Parameter]]:
        return ((n, p) for n, p in self.model.named_parameters() if p.requires_grad)


def _whole(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor whole, in the CPU's memory if it was sharded; in process 0 alone."""
    whole = gathered(tensor)
    if whole is tensor or not isinstance(tensor, DTensor):
        return whole
    return whole.cpu() if this_process().first else torch.empty(0)


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
    """Set up which weights are trained: all, or a fresh adapter in the linear layers."""
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


def check_room(model: PreTrainedModel, device: torch.device, lora: bool) -> None:
    """Check that this process's share of the training fits. Raises `TrainingError`."""
    count = this_process().count
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    # Gradient and two moments, float32; activations of a few short rows come on top.
    needed_bytes, free = 12 * trained // count, free_bytes(device)
    if needed_bytes > free:
        raise TrainingError(
            f"relearning needs {needed_bytes / 1e9:.1f} GB for gradients and optimiser beside the "
            f"weights, {free / 1e9:.1f} GB are free on {device}; "
            + ("use a larger machine" if lora else "try --lora or a larger machine")
        )
