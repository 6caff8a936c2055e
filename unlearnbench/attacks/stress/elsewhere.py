"""The models of stress tests in a worker, where they are asked as they are, or changed."""

from __future__ import annotations

from dataclasses import dataclass

from unlearnbench.attacks.stress.base import Loaded
from unlearnbench.attacks.worker import ModelNames, Named
from unlearnbench.checkpoints.resolve import Checkpoint
from unlearnbench.engines.transformers.engine import ModelEngine
from unlearnbench.engines.transformers.loading import choose_device, choose_dtype, load_model
from unlearnbench.types.options import EngineOptions


@dataclass(frozen=True, slots=True)
class StressRecipe:
    """How a worker comes by the models of stress tests; see `Recipe`."""

    names: ModelNames

    @property
    def device(self) -> str:
        """See `Recipe`."""
        return self.names.options.device

    def open(self) -> StressModels:
        """See `Recipe`."""
        return StressModels(self.names.open(), self.names.options)


class StressModels:
    """See `Loadable`; its engine is the one that a worker begins with."""

    def __init__(self, named: Named, options: EngineOptions) -> None:
        self.checkpoint, self.base, self.options = named.checkpoint, named.base, options
        self._device = choose_device(options.device)
        self._dtype = choose_dtype(options.dtype, self._device)
        self._engine: ModelEngine | None = None

    def load(self) -> Loaded:
        """The checkpoint."""
        return self._load(self.checkpoint)

    def load_base(self) -> Loaded:
        """The base. Only called where there is one."""
        assert self.base is not None
        return self._load(self.base)

    def engine(self) -> ModelEngine:
        """The unchanged model, loaded once and asked again and again."""
        if self._engine is None:
            self._engine = ModelEngine(self.checkpoint, *self.load(), self.options)
        else:
            self._engine.resume()
        return self._engine

    def _load(self, checkpoint: Checkpoint) -> Loaded:
        return load_model(checkpoint, self._device, self._dtype)
