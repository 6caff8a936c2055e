"""Pair responses with other facts' gold answers, to measure what a judge wrongly calls correct."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from unlearnbench.benchmark import holds
from unlearnbench.types import (
    Probe,
)


def shuffled(probes: Sequence[Probe]) -> list[Probe]:
    """Each probe with the gold answer of the next fact of its topic whose answer differs clearly.

    If its topic has no such fact, one of another topic is taken; a probe without any is left out.
    """
    first = {probe.key.fact: probe for probe in reversed(probes)}
    facts = list(dict.fromkeys(probe.key.fact for probe in probes))
    donors: dict[str, Probe] = {}
    for number, fact in enumerate(facts):
        others = [first[f] for f in facts[number + 1 :] + facts[:number]]
        near = [p for p in others if p.topic == first[fact].topic]
        donor = next((p for p in (*near, *others) if _differ(first[fact], p)), None)
        if donor is not None:
            donors[fact] = donor
    return [
        replace(probe, answer=donors[probe.key.fact].answer, aliases=donors[probe.key.fact].aliases)
        for probe in probes
        if probe.key.fact in donors
    ]


def _differ(first: Probe, second: Probe) -> bool:
    pairs = (
        (a, b) for a in (first.answer, *first.aliases) for b in (second.answer, *second.aliases)
    )
    return not any(holds(a, b) or holds(b, a) for a, b in pairs)
