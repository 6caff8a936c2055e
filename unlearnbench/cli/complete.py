"""Names for shell completion; imports nothing that runs models or judges."""

from __future__ import annotations

from collections.abc import Callable, Iterable


def _beginning(names: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    def complete(incomplete: str) -> list[str]:
        return sorted(name for name in names() if name.startswith(incomplete))

    return complete


def _benchmarks() -> Iterable[str]:
    from unlearnbench.paths import content_root

    return [path.parent.name for path in (content_root() / "benchmarks").glob("*/benchmark.toml")]


def _profiles() -> Iterable[str]:
    from unlearnbench.protocol.profiles import PROFILES

    return PROFILES


def _judges() -> Iterable[str]:
    from unlearnbench.plugins import available

    return available("judges")


def _methods() -> Iterable[str]:
    from unlearnbench.plugins import available

    return available("methods")


def _engines() -> Iterable[str]:
    from unlearnbench.plugins import available

    return available("engines")


def _tests() -> Iterable[str]:
    from unlearnbench.plugins import available

    return available("stress")


def _aliases() -> Iterable[str]:
    from unlearnbench.checkpoints.aliases import ALIASES

    return ALIASES


benchmarks = _beginning(_benchmarks)
profiles = _beginning(_profiles)
judges = _beginning(_judges)
methods = _beginning(_methods)
engines = _beginning(_engines)
stress_tests = _beginning(_tests)
aliases = _beginning(_aliases)
"""Each takes an incomplete word and returns the names that begin with it."""
