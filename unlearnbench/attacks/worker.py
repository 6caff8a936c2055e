"""The models of an attack in a worker, found there by the names that they have here."""

from __future__ import annotations

from dataclasses import dataclass

from unlearnbench.checkpoints.resolve import Checkpoint, resolve
from unlearnbench.errors import CheckpointError
from unlearnbench.types.options import EngineOptions


@dataclass(frozen=True, slots=True)
class ModelNames:
    """A checkpoint and its base by name, and the fingerprint that the base must have."""

    checkpoint: str
    base: str | None
    base_fingerprint: str | None
    options: EngineOptions

    def open(self) -> Named:
        """Find both. Raises `CheckpointError`."""
        base = None if self.base is None else resolve(self.base)
        if base is not None and base.fingerprint != self.base_fingerprint:
            raise CheckpointError(
                f"a worker finds another {self.base} than lies here: the same name stands for "
                "different files; put the base on a disk that all machines share"
            )
        return Named(resolve(self.checkpoint, self.options.tokenizer), base)


@dataclass(frozen=True, slots=True)
class Named:
    """A checkpoint, and the model before unlearning, on a worker's disk."""

    checkpoint: Checkpoint
    base: Checkpoint | None
