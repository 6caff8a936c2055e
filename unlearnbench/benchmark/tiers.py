"""The retain tiers of a benchmark, near to far from what is forgotten."""

from __future__ import annotations

from collections.abc import Iterable

from unlearnbench.benchmark.editions import DECLARATION, benchmark_names, editions
from unlearnbench.errors import UnreadableError
from unlearnbench.files.reading import read_toml


def near_to_far(tiers: Iterable[str | None], name: str, version: str) -> list[str]:
    """Tiers that occur, in the order that the benchmark declares; its rows' order if none ships.

    `name` is looked for among what ships and nowhere else.
    """
    present = list(dict.fromkeys(tier for tier in tiers if tier is not None))
    declared = _declared(name, version)
    known = [tier for tier in declared if tier in present]
    return known + [tier for tier in present if tier not in declared]


def _declared(name: str, version: str) -> list[str]:
    try:
        folder = editions(name).get(version) if name in benchmark_names() else None
        if folder is None:
            return []
        retain = read_toml(folder / DECLARATION).get("splits", {}).get("retain", {})
    except UnreadableError:
        return []
    return [str(tier) for tier in retain.get("tiers", [])]
