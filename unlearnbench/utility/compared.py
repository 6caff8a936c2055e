"""A base's distributions, kept on disk until the model under test is compared with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unlearnbench.errors import RunError
from unlearnbench.runs.schema.utility import Drift
from unlearnbench.utility.drift import js_divergence, kl_divergence


class KeptDistributions:
    """Distributions of the base by paragraph, one file each in `folder`: they are too many for
    memory (a paragraph of 70 tokens and 128,000 words is 36 MB).
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ids: dict[str, list[int]] = {}

    def __call__(self, name: str, ids: list[int], logp: NDArray[np.float32]) -> None:
        """Keep a paragraph's. Raises `RunError` if the disk refuses."""
        self._ids[name] = ids
        try:
            np.save(self._file(name), logp)
        except OSError as error:
            reason = error.strerror or error
            raise RunError(
                f"{self._folder}: the base's distributions cannot be kept ({reason}); free room "
                "there, or set TMPDIR"
            ) from error

    def get(self, name: str) -> tuple[list[int], NDArray[np.float32]]:
        """Token ids and distributions of a paragraph."""
        return self._ids[name], np.load(self._file(name))

    def _file(self, name: str) -> Path:
        return self._folder / f"{list(self._ids).index(name)}.npy"


class DriftWatcher:
    """Compares each paragraph's distributions with the base's, token by token."""

    def __init__(self, base: KeptDistributions) -> None:
        self._base = base
        self._kl: dict[str, tuple[float, ...]] = {}
        self._jsd: dict[str, tuple[float, ...]] = {}
        self._refused: str | None = None

    def __call__(self, name: str, ids: list[int], logp: NDArray[np.float32]) -> None:
        """Compare a paragraph."""
        base_ids, base = self._base.get(name)
        if self._refused is None and ids != base_ids:
            self._refused = (
                "the base has another tokenizer: compare prose.bits_per_byte, which is by text"
            )
        elif self._refused is None and logp.shape != base.shape:
            self._refused = (
                f"the base's vocabulary has {base.shape[1]} tokens, the model's {logp.shape[1]}"
            )
        if self._refused is None:
            p, q = base.astype(np.float64), logp.astype(np.float64)
            self._kl[name] = tuple(kl_divergence(p, q).tolist())
            self._jsd[name] = tuple(js_divergence(p, q).tolist())

    @property
    def drift(self) -> Drift:
        """KL(base ‖ model) and JSD by paragraph; nothing if a single one cannot be compared."""
        if self._refused is not None:
            return Drift(kl={}, jsd={}, refused=self._refused)
        return Drift(kl=self._kl, jsd=self._jsd, refused=None)
