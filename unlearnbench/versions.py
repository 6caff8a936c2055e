"""Versions of what decides a result, for the record."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

_RECORDED = ("unlearnbench", "torch", "transformers", "tokenizers", "peft")


def versions() -> dict[str, str | None]:
    """Installed versions by name, None for what is not installed."""
    return {name: _version(name) for name in _RECORDED}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
