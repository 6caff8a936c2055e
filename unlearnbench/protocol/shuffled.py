"""The same answers against other facts' gold answers: what a judge calls correct of anybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from unlearnbench.benchmark import holds
from unlearnbench.types import (
    Probe,
)


def shuffled(probes: Sequence[Probe]) -> list[Probe]:
    """Each probe with the answer of the next fact of its topic that has quite another one.

    If a topic holds no such fact, any topic's serve; a probe without any is left out.
    """
    first = {probe.key.fact: probe for probe in reversed(probes)}
    facts = list(dict.fromkeys(probe.key.fact for probe in probes))
    given: dict[str, Probe] = {}
    for number, fact in enumerate(facts):
        others = [first[f] for f in facts[number + 1 :] + facts[:number]]
        near = [p for p in others if p.topic == first[fact].topic]
        other = next((p for p in (*near, *others) if _apart(first[fact], p)), None)
        if other is not None:
            given[fact] = other
    return [
        replace(probe, answer=given[probe.key.fact].answer, aliases=given[probe.key.fact].aliases)
        for probe in probes
        if probe.key.fact in given
    ]


def _apart(one: Probe, other: Probe) -> bool:
    pairs = ((a, b) for a in (one.answer, *one.aliases) for b in (other.answer, *other.aliases))
    return not any(holds(a, b) or holds(b, a) for a, b in pairs)
