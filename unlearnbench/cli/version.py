"""`unlearnbench --version`."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import typer


def version_line() -> str:
    """The versions of this program, Python and PyTorch, none of them imported for it."""
    try:
        torch = f"torch {version('torch')}"
    except PackageNotFoundError:
        torch = "torch is not installed"
    own = version("unlearnbench")
    return f"unlearnbench {own}, Python {platform.python_version()}, {torch}"


def show_version(requested: bool) -> None:
    """Print the line and leave, if it was requested."""
    if requested:
        print(version_line())
        raise typer.Exit
