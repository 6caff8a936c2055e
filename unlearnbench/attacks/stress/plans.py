"""The stress tests that ship, as plans: which doors a benchmark has at a scale. Needs no model."""

from __future__ import annotations

from collections.abc import Mapping

from unlearnbench.attacks.catalog import Scale
from unlearnbench.attacks.stress.draws import plan_sampling
from unlearnbench.attacks.stress.forms import REVERSE, forms_of, plan_formats, reverse_counts
from unlearnbench.attacks.stress.planned import Planner
from unlearnbench.attacks.stress.variants import QUANTISED, SHARES, plan_interpolate, plan_quantize
from unlearnbench.benchmark import Benchmark

LENS = "lens"
"""The one door that asks nothing: it reads a model's layers, and has no states."""

PLANS: Mapping[str, Planner] = {
    "sampling": plan_sampling,
    "quantize": plan_quantize,
    "formats": plan_formats,
    "interpolate": plan_interpolate,
}
"""Name of a stress test -> its planned runs, in the order in which a suite makes them."""
ASKING = ("sampling", "formats")
"""The tests that ask a model as it is and need no weights: engines that only ask run these."""
RANKED = ("sampling", "quantize", "formats")
"""The tests whose leaks count as leaks of the checkpoint."""


def is_ranked(door: str, benchmark: Benchmark) -> bool:
    """Whether leaks through a door count as leaks of the checkpoint."""
    return test_of(door) in RANKED and (door != REVERSE or reverse_counts(benchmark))


def doors_of(test: str, benchmark: Benchmark, scale: Scale) -> list[str]:
    """The doors of a stress test, in the order of its plan, without planning it."""
    if test == "sampling":
        return [f"sampling/leak@{scale.samples}"]
    if test == "quantize":
        return [f"quantize/{kind}" for kind in QUANTISED]
    if test == "interpolate":
        return [f"interpolate/{share:.2f}" for share in SHARES]
    if test == "formats":
        return [f"formats/{form}" for form in forms_of(benchmark)]
    return [LENS] if test == LENS else []


def test_of(door: str) -> str:
    """The name of the stress test that a door belongs to."""
    return door.partition("/")[0]


def folder_of(door: str) -> str:
    """The run of a door, below the suite's folder."""
    return door if test_of(door) != "sampling" else "sampling"
