"""One arm and seed: the model on its way, in one process or sharded over several."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from unlearnbench.attacks.catalog import RelearnProfile
from unlearnbench.attacks.relearn.arms import Arm
from unlearnbench.attacks.relearn.trajectory import (
    Trajectory,
    check_room,
    forget_state,
    kept_losses,
    prepare,
)
from unlearnbench.checkpoints.resolve import Checkpoint
from unlearnbench.engines.transformers.engine import ModelEngine
from unlearnbench.engines.transformers.loading import choose_device, load_model
from unlearnbench.environment import this_process
from unlearnbench.hashing import sha256_json
from unlearnbench.interfaces import Generator
from unlearnbench.training.passes import layers_of
from unlearnbench.training.processes import all_agree, first_decides
from unlearnbench.training.sharding import gathered, shard
from unlearnbench.types.options import EngineOptions


@dataclass(frozen=True, slots=True)
class Order:
    """What process 0 tells the others: train this arm and seed until this step."""

    arm: str
    seed: int
    step: int


class AskedLeg(Protocol):
    """A leg whose model is trained and asked, wherever it is."""

    folder: Path

    def engine(self, step: int) -> Generator:
        """The model as it is after `step`."""
        ...

    def release(self) -> None:
        """Nothing more is asked of it at this step."""
        ...

    def loss_at(self, step: int) -> float | None:
        """Mean loss on the way to `step`, if it is known."""
        ...


class Leg:
    """Loads and trains the model only as far as points are missing.

    Its state is kept in `folder`; without one, a leg that is begun again trains from the start.
    With several processes all of them must call `reach` alike; the model to be asked then is a
    whole copy in process 0, whose device must have room for it.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        arm: Arm,
        seed: int,
        folder: Path | None,
        profile: RelearnProfile,
        options: EngineOptions,
        lora: bool,
    ) -> None:
        self.folder = folder
        self.order = (arm.name, seed)
        self._checkpoint, self._arm, self._seed = checkpoint, arm, seed
        self._profile, self._options, self._lora = profile, options, lora
        self._made: Trajectory | None = None
        self._asked: PreTrainedModel | None = None

    def reach(self, step: int) -> tuple[Checkpoint, PreTrainedModel]:
        """Train until `step`; what is reached, and the model, ready to be asked in process 0."""
        if self._made is None:
            self._made = self._begin()
        if self._made.step > step:
            # A point before the saved state is missing: the way there starts anew.
            if (folder := self.folder) is not None:
                first_decides(lambda: forget_state(folder))
            self._made = None
            return self.reach(step)
        if self._made.step < step:
            # Leg by leg, so that the loss on the way to a step never covers more than that.
            for point in self._profile.steps:
                if self._made.step < point <= step:
                    self._made.go_to(point)
            if self.folder is not None:
                self._made.save(self.folder)
        digest = sha256_json([self._checkpoint.fingerprint, self._arm.name, self._seed, step])
        return self._checkpoint.with_weights(digest), self._whole(self._made.model)

    def loss_at(self, step: int) -> float | None:
        """Mean loss of the leg that ended at `step`: trained here, or kept by a killed process."""
        made = self._made
        here = made is not None and made.step == step
        return _mean(made.losses) if made is not None and here else kept_loss(self.folder, step)

    def _begin(self) -> Trajectory:
        device, several = choose_device(self._options.device), this_process().count > 1
        if device.type == "cuda":
            # What an earlier model left with the allocator would count as taken.
            gc.collect()
            torch.cuda.empty_cache()
        # What is to be sharded goes to the device layer by layer.
        at_first = torch.device("cpu") if several else device
        model = all_agree(lambda: self._load(at_first, to_train_on=device))
        if several:
            shard(model, layers_of(model), device)
        made = all_agree(lambda: Trajectory(model, self._arm.rows, self._profile, self._seed))
        if self.folder is not None:
            made.restore(self.folder)
        return made

    def _load(
        self, device: torch.device, to_train_on: torch.device | None = None
    ) -> PreTrainedModel:
        model, _ = load_model(self._checkpoint, device, torch.float32)
        prepare(model, self._lora, self._profile, self._seed)
        if to_train_on is not None:
            check_room(model, to_train_on, self._lora)
        return model

    @torch.no_grad()
    def _whole(self, model: PreTrainedModel) -> PreTrainedModel:
        """The model itself in a single process; else, in process 0, a copy that is not sharded."""
        own = this_process()
        if own.count == 1:
            return model
        if own.first and self._asked is None:
            self._asked = self._load(choose_device(self._options.device))
        copies = {} if self._asked is None else dict(self._asked.named_parameters())
        for name, parameter in model.named_parameters():
            whole = gathered(parameter)
            if copies:
                copies[name].copy_(whole)
        return self._asked or model


class OwnLeg:
    """A leg in this process, or in this one and those that train with it."""

    def __init__(
        self, leg: Leg, folder: Path, tokenizer: PreTrainedTokenizerBase, options: EngineOptions
    ) -> None:
        self.folder = folder
        self._leg, self._tokenizer, self._options = leg, tokenizer, options
        self._asked: ModelEngine | None = None

    def engine(self, step: int) -> Generator:
        """See `AskedLeg`."""
        first_decides(lambda: Order(*self._leg.order, step))
        reached, model = self._leg.reach(step)
        self._asked = ModelEngine(reached, model, self._tokenizer, self._options)
        return self._asked

    def release(self) -> None:
        """Give the model back to be trained."""
        if self._asked is not None:
            self._asked.release()
            self._asked = None

    def loss_at(self, step: int) -> float | None:
        """See `AskedLeg`."""
        return self._leg.loss_at(step)


def untrained(checkpoint: Checkpoint, options: EngineOptions) -> ModelEngine:
    """The engine of a checkpoint as it is, in float32 like a trained one."""
    device = choose_device(options.device)
    return ModelEngine(checkpoint, *load_model(checkpoint, device, torch.float32), options)


def kept_loss(folder: Path | None, step: int) -> float | None:
    """Mean loss on the way to `step`, if the state that is kept in `folder` is at that step."""
    return None if folder is None else _mean(kept_losses(folder, step))


def _mean(losses: list[float]) -> float | None:
    return sum(losses) / len(losses) if losses else None
