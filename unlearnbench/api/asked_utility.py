"""What the names of `--utility` ask for, beside the sets that ship."""

from __future__ import annotations

from dataclasses import replace

from unlearnbench.benchmark.choices.sources import (
    CHOICES,
    ChoiceSource,
    is_choices,
    load_choices,
)
from unlearnbench.benchmark.harness import HARNESS, find_task
from unlearnbench.benchmark.instruction_sets import (
    ALPACA_EVAL,
    OWN_INSTRUCTIONS,
    is_instructions,
    load_instructions,
)
from unlearnbench.benchmark.utility_sets import UtilitySets, load_utility_sets
from unlearnbench.errors import EngineError, PluginError
from unlearnbench.naming import nearest
from unlearnbench.types.options import UtilityOptions

BUNDLED = "bundled"


def shipped_sets(limit: int | None) -> UtilitySets:
    """The rows that ship, or the first of each kind. Raises `EngineError` for a bad limit."""
    if limit is not None and limit < 1:
        raise EngineError(f"--limit {limit}: a number from 1 up")
    sets = load_utility_sets()
    return sets if limit is None else sets.first(limit)


def names_of_others(options: UtilityOptions) -> tuple[str, ...]:
    """The names beside `bundled`, each once. Raises `PluginError` for one that means nothing."""
    names = tuple(name for name in dict.fromkeys(options.utility) if name != BUNDLED)
    for name in names:
        if not (is_choices(name) or is_instructions(name) or _is_task(name)):
            known = [BUNDLED, *CHOICES, ALPACA_EVAL, f"{OWN_INSTRUCTIONS}:FILE"]
            hint = nearest(name, [*known, f"{HARNESS}:TASK", f"{HARNESS}:PATH.yaml"])
            raise PluginError(f"--utility {name}: {hint}; CHECKPOINT goes before it")
    lies = ChoiceSource(options.utility_source, options.columns)
    lying = any(is_choices(name) or name == ALPACA_EVAL for name in names)
    if not lying and lies != ChoiceSource():
        what = "say whose with --utility mmlu, rwku, alpaca-eval or hub:OWNER/NAME"
        raise PluginError(f"--utility-source, --utility-column: {what}")
    return names


def asked_sets(options: UtilityOptions, limit: int | None) -> UtilitySets:
    """All that is asked: the rows that ship and those of others, or the first of each kind.

    Raises `PluginError` for a name that means nothing, `EngineError` for a bad limit or a task that
    cannot be loaded, `BenchmarkError` if questions of others cannot be had.
    """
    names = names_of_others(options)
    sets = shipped_sets(limit)
    lies = ChoiceSource(options.utility_source, options.columns)
    tables = [load_choices(name, lies) for name in names if is_choices(name)]
    others = [load_instructions(name, lies.folder) for name in names if is_instructions(name)]
    return replace(
        sets,
        tables=tuple(table if limit is None else table.first(limit) for table in tables),
        tasks=tuple(find_task(name, limit) for name in names if _is_task(name)),
        instruction_sets=tuple(rows if limit is None else rows.first(limit) for rows in others),
    )


def _is_task(name: str) -> bool:
    return name.startswith(f"{HARNESS}:")
