"""Libraries that only some commands need, and what to install when one is missing."""

from __future__ import annotations

import importlib
from typing import Any

from unlearnbench.errors import MissingExtraError


def extra(module: str, group: str) -> Any:
    """Import `module`, which the optional dependencies `group` bring.

    Raises `MissingExtraError` with the command that installs them.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{module} is needed for this and not installed; pip install 'unlearnbench[{group}]'"
        ) from error
