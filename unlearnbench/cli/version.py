"""`unlearnbench --version`."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import typer


def version_line() -> str:
    """The versions of this program, Python and PyTorch; imports none of them."""
    try:
        torch = f"torch {version('torch')}"
    except PackageNotFoundError:
        torch = "torch is not installed"
    package = version("unlearnbench")
    return f"unlearnbench {package}, Python {platform.python_version()}, {torch}"


def show_version(requested: bool) -> None:
    """Print the versions and exit, if requested."""
    if requested:
        print(version_line())
        raise typer.Exit
