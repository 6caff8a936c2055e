"""Optional libraries, installed versions, and which of several processes this one is."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from unlearnbench.errors import MissingExtraError


def extra(module: str, group: str) -> Any:
    """Import `module`, which belongs to the optional dependencies `group`.

    Raises `MissingExtraError` with the command that installs them.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{module} is needed for this and not installed; pip install 'unlearnbench[{group}]'"
        ) from error


_RECORDED = ("unlearnbench", "torch", "transformers", "tokenizers", "peft")


def versions() -> dict[str, str | None]:
    """Installed versions by name; None for a package that is not installed."""
    return {name: _version(name) for name in _RECORDED}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


@dataclass(frozen=True, slots=True)
class Process:
    """One of `count` processes that do one thing together: its number, and that on its machine."""

    rank: int = 0
    count: int = 1
    local: int = 0

    @property
    def first(self) -> bool:
        """Whether this is the one that prints, locks and writes."""
        return self.rank == 0


def this_process() -> Process:
    """What `torchrun` or `accelerate launch` says about this process; alone without them."""
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
    texts = [os.environ.get(name, "") for name in names]
    if not all(text.isdecimal() for text in texts):
        return Process()
    return Process(*map(int, texts))
