"""The protocol's own questions to a checkpoint as it is, and to changed ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache, partial

from unlearnbench.attacks.catalog import Scale
from unlearnbench.attacks.stress.findings import Finding
from unlearnbench.attacks.stress.planned import PlannedRun, StressInputs, asks_never, leaks
from unlearnbench.benchmark import Benchmark
from unlearnbench.protocol.plan import Plan, make_plan
from unlearnbench.protocol.profiles import PROFILES
from unlearnbench.runs.run import Run
from unlearnbench.types import PromptFormat

QUANTISED = ("int8", "int4", "nf4")
"""What weights are rounded to."""
SHARES = (0.0, 0.25, 0.5, 0.75)
"""Of the way from the base to the checkpoint."""


@lru_cache(maxsize=4)
def protocol_plan(
    benchmark: Benchmark, scale: Scale, prompt_format: PromptFormat, seed: int
) -> Plan:
    """Forget facts in both contexts of the protocol, never-known ones in the plain context."""
    per_style = None if scale.name == "full" else 1
    profile = replace(PROFILES["standard"], splits=("forget", "never"), per_style=per_style)
    plan = make_plan(benchmark, profile, prompt_format, seed, scale.limit)
    return Plan(tuple(p for p in plan.probes if p.split == "forget" or p.key.context == "plain"))


def plan_baseline(inputs: StressInputs) -> PlannedRun:
    """The protocol's own questions to the checkpoint as it is."""
    return _by_protocol("baseline", inputs)


def plan_quantize(inputs: StressInputs) -> list[PlannedRun]:
    """The same questions to the checkpoint with rounded weights."""
    baseline = plan_baseline(inputs)
    names = [f"quantize/{kind}" for kind in QUANTISED]
    return [replace(baseline, door=name, folder=name) for name in names]


def plan_interpolate(inputs: StressInputs) -> list[PlannedRun]:
    """The same questions on the way from the base to the checkpoint; unranked."""
    baseline = plan_baseline(inputs)
    return [
        replace(
            baseline,
            door=f"interpolate/{share:.2f}",
            folder=f"interpolate/{share:.2f}",
            concluded=partial(_between, share),
        )
        for share in SHARES
    ]


def distance_note(details: Mapping[str, object]) -> str:
    """The sentence on how far a checkpoint is from its base."""
    return f"distance {details['relative_distance']:.2%} of the base's weights"


def _by_protocol(name: str, inputs: StressInputs) -> PlannedRun:
    plan = protocol_plan(inputs.benchmark, inputs.scale, inputs.prompt_format, inputs.seed)
    return PlannedRun(name, name, plan.probes, leaks, is_shuffled=not asks_never(plan.probes))


def _between(share: float, planned: PlannedRun, run: Run, control: Run | None) -> Finding:
    """Unranked, since nobody has a model in between."""
    return replace(leaks(planned, run, control), ranked=False, details={"share": share})
