"""Legs in workers: each trains and asks one leg at a time; this process writes all that is kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from unlearnbench.attacks.catalog import RelearnProfile
from unlearnbench.attacks.relearn.arms import Arm
from unlearnbench.attacks.relearn.leg import Leg, kept_loss, untrained
from unlearnbench.attacks.worker import ModelNames, Named
from unlearnbench.engines.transformers.engine import ModelEngine
from unlearnbench.engines.transformers.loading import load_tokenizer
from unlearnbench.errors import RunError
from unlearnbench.executors.crew import Lease
from unlearnbench.interfaces import Generator
from unlearnbench.runs.attacks import read_relearn


@dataclass(frozen=True, slots=True)
class LegPlan:
    """What a worker must know of a leg.

    `folder` is the leg's, below that of the run, whose record was `created` at that time: where a
    worker finds that record, the two share a disk, and the state of the training is kept there.
    """

    arm: Arm
    seed: int
    folder: Path
    created: str

    @property
    def shared_folder(self) -> Path | None:
        """The folder, if it is on a disk that this machine has too."""
        try:
            record = read_relearn(self.folder.parents[1])
        except RunError:
            return None
        return self.folder if str(record.created) == self.created else None


@dataclass(frozen=True, slots=True)
class RelearnRecipe:
    """How a worker comes by the models of a relearning run; see `Recipe`."""

    names: ModelNames
    profile: RelearnProfile
    lora: bool

    @property
    def device(self) -> str:
        """See `Recipe`."""
        return self.names.options.device

    def open(self) -> RelearnModels:
        """See `Recipe`."""
        return RelearnModels(self.names.open(), self)


class RelearnModels:
    """The models of a relearning run in a worker: the checkpoint, its base, a leg under way."""

    def __init__(self, named: Named, recipe: RelearnRecipe) -> None:
        self._named, self._recipe = named, recipe
        self._options = recipe.names.options
        self._tokenizer = load_tokenizer(named.checkpoint)
        self._plan: LegPlan | None = None
        self._leg: Leg | None = None

    def engine(self) -> Generator:
        """The checkpoint before any training."""
        return untrained(self._named.checkpoint, self._options)

    def base_engine(self) -> Generator:
        """The model before unlearning."""
        assert self._named.base is not None
        return untrained(self._named.base, self._options)

    def reach(self, plan: LegPlan, step: int) -> Generator:
        """The model of a leg after `step`."""
        if self._leg is None or self._plan != plan:
            self._leg = None  # its memory is free before another model is loaded
            recipe, checkpoint = self._recipe, self._named.checkpoint
            self._leg = Leg(
                checkpoint,
                plan.arm,
                plan.seed,
                plan.shared_folder,
                recipe.profile,
                self._options,
                recipe.lora,
            )
            self._plan = plan
        reached, model = self._leg.reach(step)
        return ModelEngine(reached, model, self._tokenizer, self._options)

    def loss_at(self, step: int) -> float | None:
        """Mean loss of the leg under way."""
        return None if self._leg is None else self._leg.loss_at(step)


class LeasedLeg:
    """A leg in a worker; see `AskedLeg`. `losses` outlive the worker."""

    def __init__(self, lease: Lease, plan: LegPlan, losses: dict[int, float | None]) -> None:
        self.folder = plan.folder
        self._lease, self._plan, self._losses = lease, plan, losses

    def engine(self, step: int) -> Generator:
        """See `AskedLeg`."""
        engine = self._lease.engine(partial(_reach, self._plan, step))
        self._losses[step] = self._lease.measure(partial(_loss_at, step))
        return engine

    def release(self) -> None:
        """The worker does so before it trains on."""

    def loss_at(self, step: int) -> float | None:
        """See `AskedLeg`."""
        known = self._losses.get(step)
        return kept_loss(self.folder, step) if known is None else known


def ask_base(models: RelearnModels) -> Generator:
    """In a worker: the model before unlearning."""
    return models.base_engine()


def _reach(plan: LegPlan, step: int, models: RelearnModels) -> Generator:
    return models.reach(plan, step)


def _loss_at(step: int, models: RelearnModels) -> float | None:
    return models.loss_at(step)
