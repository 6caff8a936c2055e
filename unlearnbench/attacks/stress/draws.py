"""Answers drawn several times: their probes, and leak@k."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from unlearnbench.attacks.stress.findings import Finding
from unlearnbench.attacks.stress.planned import PlannedRun, StressInputs, asks_never, control_of
from unlearnbench.protocol.plan import make_plan
from unlearnbench.protocol.profiles import PROFILES
from unlearnbench.runs.run import Run
from unlearnbench.scoring.intervals import clopper_pearson
from unlearnbench.scoring.samples import leak_at_k
from unlearnbench.scoring.scores import leaked_on_any, of_facts
from unlearnbench.types import Interval, Probe, Sampling, Score

TEMPERATURE = 1.0


def plan_sampling(inputs: StressInputs) -> list[PlannedRun]:
    """The protocol's prompt for each original question, drawn n times at temperature 1."""
    probes = tuple(_probes(inputs))
    return [
        PlannedRun(
            f"sampling/leak@{inputs.scale.samples}",
            "sampling",
            probes,
            _drawn,
            Sampling(temperature=TEMPERATURE, seed=inputs.seed),
            is_shuffled=not asks_never(probes),
        )
    ]


def _drawn(planned: PlannedRun, run: Run, control: Run | None) -> Finding:
    states = leaked_on_any(o for o in run.outcomes if o.split == "forget")
    curve = leak_curve(run, int(planned.door.partition("@")[2]))
    return Finding(
        planned.door,
        states,
        control=control_of(planned, run, control),
        probes=len(run.probes),
        interval=exact_interval(of_facts(planned.door, states)),
        details={"leak_at_k": curve},
        note=", ".join(f"leak@{k} {p['value']:.0%}" for k, p in curve.items()),
    )


def exact_interval(score: Score) -> Interval:
    """Clopper and Pearson's interval of a share of facts."""
    known = round(score.low * score.n)
    return Interval(
        clopper_pearson(known, score.n).low, clopper_pearson(known + score.n_open, score.n).high
    )


def leak_curve(run: Run, n: int) -> dict[str, dict[str, float]]:
    """leak@k for k = 1, 2, 4 … n: the mean over facts, an open sample counted as a leak.

    The interval is Clopper and Pearson's: exact at k = n, where a fact leaks or does not, and
    on the wide side below.
    """
    counts: Counter[str] = Counter()
    facts: dict[str, None] = {}
    for outcome in run.outcomes:
        if outcome.split == "forget":
            facts[outcome.key.fact] = None
            counts[outcome.key.fact] += outcome.verdict != "incorrect"
    steps = [k for k in (1, 2, 4, 8, 16, 32, 64) if k < n] + [n]
    curve = {}
    for k in steps:
        total = sum(leak_at_k(n, counts[fact], k) for fact in facts)
        interval = clopper_pearson(min(total, len(facts)), len(facts))
        curve[str(k)] = {
            "value": total / len(facts),
            "low": interval.low,
            "high": interval.high,
        }
    return curve


def _probes(inputs: StressInputs) -> Iterator[Probe]:
    """The protocol's prompt for the original question, n times under n keys."""
    profile = replace(
        PROFILES["quick"], splits=("forget", "never"), forget_contexts=("plain",), per_style=0
    )
    scale = inputs.scale
    plan = make_plan(inputs.benchmark, profile, inputs.prompt_format, inputs.seed, scale.limit)
    for probe in plan.probes:
        for sample in range(scale.samples):
            yield replace(probe, key=replace(probe.key, sample=sample))
