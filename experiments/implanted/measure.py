"""From runs before and after unlearning to shares of what was known, with intervals.

A probe counts if the implanted model answered it: what was never learnt is not forgotten. Intervals
are clustered by fact; facts of different seeds are different facts. Differences are paired by fact,
or by the forget fact that two retain facts belong to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from experiments.implanted.run import Done
from unlearnbench import Run, RunError
from unlearnbench.scoring.intervals import clustered
from unlearnbench.types import ORIGINAL, Fact, Interval, ProbeKey, Split

Asked = Literal["trained", "untrained", "after examples"]
"""In a text that was trained on, in one that never was, or after in-context examples."""
Unit = tuple[int, int, str]
"""Facts of the cell, seed, id of the fact."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Of one fact: probes answered when it was implanted, and how many of them still are."""

    fact: Fact
    before: int
    after: int

    @property
    def share(self) -> float:
        """What is left of it, from 0 to 1."""
        return self.after / self.before


@dataclass(frozen=True, slots=True)
class Share:
    """A pooled share with its interval, by fact, and the lowest and highest seed."""

    value: float
    interval: Interval
    seeds: tuple[float, float]
    facts: int


def kept(done: Iterable[Done], arm: str, asked: Asked) -> dict[Unit, Kept]:
    """What is left of every fact that was implanted, by unit."""
    found: dict[Unit, Kept] = {}
    for one in done:
        before = answered(one.implanted)
        after = answered(one.after[arm])
        counts: dict[str, list[ProbeKey]] = defaultdict(list)
        for key, known in before.items():
            if known and asked_as(key) == asked:
                counts[key.fact].append(key)
        facts = {fact.id: fact for fact in one.facts}
        for name, keys in counts.items():
            left = sum(after[key] for key in keys)
            unit = (one.cell.facts, one.cell.seed, name)
            found[unit] = Kept(facts[name], len(keys), left)
    return found


def asked_as(key: ProbeKey) -> Asked:
    """How a probe was asked. Of a fact's texts only the original question was trained on."""
    if key.context != "plain":
        return "after examples"
    return "trained" if key.phrasing == ORIGINAL else "untrained"


def answered(run: Run) -> dict[ProbeKey, bool]:
    """Whether each probe was answered. Raises `RunError` while any is open."""
    if run.n_open:
        raise RunError(f"{run.path}: {run.n_open} probes are open; give the command again")
    return {o.key: o.verdict == "correct" for o in run.outcomes}


def answered_share(run: Run, splits: Collection[Split]) -> Share:
    """Share of the probes of some splits that a run answers."""
    known, counts = answered(run), defaultdict[str, list[bool]](list)
    for probe in run.probes:
        if probe.split in splits:
            counts[probe.key.fact].append(known[probe.key])
    return _share({(0, 0, name): (sum(some), len(some)) for name, some in counts.items()})


def share_of(units: Mapping[Unit, Kept], which: Callable[[Fact], bool]) -> Share | None:
    """The share left of the facts that `which` picks; None if none of them had been learnt."""
    counts = {u: (k.after, k.before) for u, k in units.items() if which(k.fact)}
    return _share(counts) if counts else None


def _share(counts: Mapping[Unit, tuple[int, int]]) -> Share:
    by_seed: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for (_, seed, _), count in counts.items():
        by_seed[seed].append(count)
    each = sorted(map(_pooled, by_seed.values()))
    every = list(counts.values())
    return Share(_pooled(every), clustered(every), (each[0], each[-1]), len(every))


def _pooled(counts: Sequence[tuple[int, int]]) -> float:
    return sum(known for known, _ in counts) / sum(size for _, size in counts)


def by_pair(units: Mapping[Unit, Kept], tier: str) -> dict[str, float]:
    """What is left of each retain fact of a tier, named by cell, seed and forget fact."""
    return {
        f"{facts}/{seed}/{name.rpartition('-')[2]}": one.share
        for (facts, seed, name), one in units.items()
        if one.fact.tier == tier
    }


def by_fact(units: Mapping[Unit, Kept]) -> dict[str, float]:
    """What is left of each forget fact."""
    return {
        "/".join(map(str, unit)): one.share
        for unit, one in units.items()
        if one.fact.split == "forget"
    }
