"""Import optional libraries, with a hint on what to install, and list installed versions."""

from __future__ import annotations

import importlib
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
