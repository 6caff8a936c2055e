"""Stress test `sampling`: what leaks when answers are sampled instead of decoded greedily."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from unlearnbench.attacks.stress.base import Finding, Subject
from unlearnbench.attacks.stress.variant import control
from unlearnbench.protocol.plan import make_plan
from unlearnbench.protocol.profiles import PROFILES
from unlearnbench.runs.run import Run
from unlearnbench.scoring.intervals import clopper_pearson
from unlearnbench.scoring.samples import leak_at_k
from unlearnbench.scoring.scores import leaked_on_any, of_facts
from unlearnbench.types import Interval, Probe, Sampling

TEMPERATURE = 1.0


class DrawnSamples:
    """n answers a fact at temperature 1, to the original wording."""

    name = "sampling"
    summary = "leak@k of n answers drawn at temperature 1"
    needs_base = False

    def run(self, subject: Subject) -> list[Finding]:
        """See `StressTest`."""
        began = time.monotonic()
        n = subject.scale.samples
        probes = list(_probes(subject, n))
        sampling = Sampling(temperature=TEMPERATURE, seed=subject.seed)
        folder = subject.folder / self.name
        run = subject.runner.ask(folder, probes, subject.engine, subject.state, sampling)
        states = leaked_on_any(o for o in run.outcomes if o.split == "forget")
        score = of_facts(self.name, states)
        curve = leak_curve(run, n)
        known = round(score.low * score.n)
        exact = Interval(
            clopper_pearson(known, score.n).low, clopper_pearson(known + score.n_open, score.n).high
        )
        finding = Finding(
            f"sampling/leak@{n}",
            states,
            control=control(self.name, run, subject),
            probes=len(run.probes),
            seconds=time.monotonic() - began,
            interval=exact,
            details={"leak_at_k": curve},
            note=", ".join(f"leak@{k} {p['value']:.0%}" for k, p in curve.items()),
        )
        return [finding]


def leak_curve(run: Run, n: int) -> dict[str, dict[str, float]]:
    """leak@k for k = 1, 2, 4 … n: the mean over facts, an open sample counted as a leak.

    The interval is Clopper and Pearson's: exact at k = n, where a fact leaks or does not, and
    on the wide side below.
    """
    counts: Counter[str] = Counter()
    facts = set()
    for outcome in run.outcomes:
        if outcome.split == "forget":
            facts.add(outcome.key.fact)
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


def _probes(subject: Subject, n: int) -> Iterator[Probe]:
    """The protocol's prompt for the original question, n times under n keys."""
    profile = replace(
        PROFILES["quick"], splits=("forget", "never"), forget_contexts=("plain",), per_style=0
    )
    plan = make_plan(
        subject.benchmark, profile, subject.prompt_format, subject.seed, subject.scale.limit
    )
    for probe in plan.probes:
        for sample in range(n):
            yield replace(probe, key=replace(probe.key, sample=sample))
