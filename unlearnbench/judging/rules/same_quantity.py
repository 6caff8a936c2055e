"""Whether two quantities are the same: units converted, measured values within a tolerance."""

from __future__ import annotations

from dataclasses import replace

from unlearnbench.judging.rules.quantities import Quantity
from unlearnbench.judging.rules.tables import (
    UNITS,
)


def same_quantity(gold: Quantity, stated: Quantity, asked_units: frozenset[str]) -> bool:
    """Whether `stated` gives `gold`.

    `asked_units` are the units that the question names: a gold number without one is in those.
    """
    if gold.era and stated.era and gold.era != stated.era:
        return False
    if stated.ordinal and not gold.ordinal:
        return False
    if gold.unit is None and stated.unit is not None:
        return _with_asked_unit(gold, stated, asked_units)
    if gold.unit is not None and stated.unit is not None:
        if gold.dimension == "percent" or stated.dimension == "percent":
            return gold.dimension == stated.dimension and _equal(gold, stated)
        if gold.dimension == "temperature" and stated.dimension == "angle":
            return _equal(gold, stated)
        if gold.dimension != stated.dimension:
            return False
        if UNITS[gold.unit] == UNITS[stated.unit]:
            return _equal(gold, stated) or _near(gold.value, stated.value, _tolerance(gold, stated))
        return _near(gold.base, stated.base, max(0.015, _tolerance(gold, stated)))
    if gold.dimension == "percent" and (stated.fraction or (stated.decimals and stated.value < 1)):
        return _near(gold.value, stated.value * 100, 0.01)
    if gold.unit is None and gold.rough and not 1000 <= gold.value <= 2100:
        return _near(gold.value, stated.value, 0.02)
    return _equal(gold, stated)


def _tolerance(gold: Quantity, stated: Quantity) -> float:
    """Share by which a measured value may differ: more where one of the two is approximate."""
    return 0.05 if gold.rough else 0.015 if stated.rough else 0.005


def _with_asked_unit(gold: Quantity, stated: Quantity, asked_units: frozenset[str]) -> bool:
    if stated.unit == "temp_k" and _near(gold.value, stated.value * 1000, 1e-9):
        return True  # 7k, in words seven thousand
    fitting = [unit for unit in asked_units if UNITS[unit][0] == stated.dimension]
    if fitting:
        # `How many hours are in a day?` names two units; the answer may be in either.
        return any(
            same_quantity(replace(gold, unit=unit, ordinal=False), stated, frozenset())
            for unit in fitting
        )
    if gold.fraction and stated.dimension == "percent":
        return _near(gold.value * 100, stated.value, 0.01)
    return stated.dimension in ("time", "angle", "percent", "data") and _equal(gold, stated)


def _equal(gold: Quantity, stated: Quantity) -> bool:
    if abs(gold.value - stated.value) <= 1e-9 * max(1.0, abs(gold.value)):
        return True
    if gold.fraction or stated.fraction:
        return _near(gold.value, stated.value, 0.005)
    rounded = min(gold.decimals, stated.decimals) >= 1
    return rounded and _near(gold.value, stated.value, 0.01)


def _near(a: float, b: float, share: float) -> bool:
    return abs(a - b) <= share * max(abs(a), 1e-12)
