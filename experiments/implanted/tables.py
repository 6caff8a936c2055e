"""The results as Markdown tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from experiments.implanted.measure import (
    Asked,
    Share,
    answered_share,
    by_fact,
    by_pair,
    kept,
    share_of,
)
from experiments.implanted.plan import ARMS, FACTS, FREQUENCY
from experiments.implanted.run import Done
from unlearnbench.scoring.paired import PairedMean, holm, paired_mean
from unlearnbench.types import Fact

TIERS = ("subject", "wording", "answer", "unlike")
WAYS: tuple[Asked, ...] = ("trained", "untrained", "after examples")


def all_tables(done: Sequence[Done]) -> str:
    """Every table whose cells are there."""
    main = [one for one in done if one.cell.facts == FACTS]
    parts = [_table(_implanting(done)), _table(_numbers(done))]
    if main:
        parts[1:1] = [
            _table(_forgetting(main)),
            _table(_keeping(main)),
            _table(_frequencies(main)),
            _table(_differences(main)),
        ]
    return "\n\n".join(parts)


def _implanting(done: Sequence[Done]) -> Iterator[tuple[str, ...]]:
    yield ("facts", "seed", "base", "implanted: forget", "implanted: retain")
    for one in done:
        shares = [answered_share(one.base, ("forget", "retain"))]
        shares += [answered_share(one.implanted, (split,)) for split in ("forget", "retain")]
        cells = map(_percent, shares)
        yield (str(one.cell.facts), str(one.cell.seed), *cells)


def _forgetting(done: Sequence[Done]) -> Iterator[tuple[str, ...]]:
    yield ("leak of forget facts", *WAYS)
    for arm in ARMS:
        shares = (share_of(kept(done, arm, way), _is_forget) for way in WAYS)
        yield (arm, *map(_percent, shares))


def _keeping(done: Sequence[Done]) -> Iterator[tuple[str, ...]]:
    yield ("retain facts kept", "asked", *TIERS)
    for arm in ARMS:
        for way in WAYS[:2]:
            for name, held_out in (("trained on", False), ("held out", True)):
                units = kept(done, arm, way)
                shares = (share_of(units, _of_tier(tier, held_out)) for tier in TIERS)
                yield (f"{arm}, {name}", way, *map(_percent, shares))


def _frequencies(done: Sequence[Done]) -> Iterator[tuple[str, ...]]:
    yield ("leak by frequency", "asked", *(f"shown {n} × an epoch" for n in FREQUENCY))
    for arm in ARMS:
        for way in WAYS[:2]:
            units = kept(done, arm, way)
            yield (arm, way, *(_percent(share_of(units, _shown(n))) for n in FREQUENCY))


def _numbers(done: Sequence[Done]) -> Iterator[tuple[str, ...]]:
    yield ("both terms", "seeds", "leak, trained", "leak, untrained", *TIERS)
    for number in sorted({one.cell.facts for one in done}):
        some = [one for one in done if one.cell.facts == number]
        leak, untrained = (kept(some, "both terms", way) for way in WAYS[:2])
        shares = [share_of(leak, _is_forget), share_of(untrained, _is_forget)]
        shares += [share_of(untrained, _of_tier(tier, None)) for tier in TIERS]
        yield (f"{number} facts", str(len(some)), *map(_percent, shares))


def _differences(done: Sequence[Done]) -> Iterator[tuple[str, ...]]:
    """Paired differences in untrained paraphrases, with p-values corrected for their number."""
    yield ("difference, untrained", "points", "pairs", "p (Holm)")
    compared: dict[str, tuple[Mapping[str, float], Mapping[str, float]]] = {}
    units = {arm: kept(done, arm, "untrained") for arm in ARMS}
    compared["leak: both terms − forget term"] = (
        by_fact(units["both terms"]),
        by_fact(units["forget term"]),
    )
    for arm in ("forget term", "both terms"):
        for tier in TIERS[:-1]:
            one, other = by_pair(units[arm], tier), by_pair(units[arm], "unlike")
            compared[f"{arm}, kept: {tier} − unlike"] = (one, other)
    for tier in TIERS:
        for name, held_out in (("trained on", False), ("held out", True)):
            some = {
                arm: {u: k for u, k in units[arm].items() if k.fact.held_out == held_out}
                for arm in ARMS
            }
            one, other = (by_pair(some[arm], tier) for arm in ("both terms", "forget term"))
            compared[f"kept, {tier}, {name}: both terms − forget term"] = (one, other)
    found = {name: _mean(*pair) for name, pair in compared.items()}
    adjusted = holm({name: mean.p for name, mean in found.items() if mean is not None})
    for name, mean in found.items():
        if mean is None:
            yield (name, "–", "0", "–")
            continue
        low, high = mean.interval or (mean.difference, mean.difference)
        shown = f"{100 * mean.difference:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"
        yield (name, shown, str(mean.n), f"{adjusted[name]:.3f}")


def _mean(one: Mapping[str, float], other: Mapping[str, float]) -> PairedMean | None:
    """The difference over the pairs of which both had been learnt."""
    both = one.keys() & other.keys()
    if not both:
        return None
    return paired_mean({n: one[n] for n in both}, {n: other[n] for n in both})


def _is_forget(fact: Fact) -> bool:
    return fact.split == "forget"


def _shown(frequency: int) -> Callable[[Fact], bool]:
    return lambda fact: fact.split == "forget" and fact.frequency == frequency


def _of_tier(tier: str, held_out: bool | None) -> Callable[[Fact], bool]:
    return lambda fact: fact.tier == tier and held_out in (None, fact.held_out)


def _percent(share: Share | None) -> str:
    """`12.5 (3.5–36.0; seeds 0.0–25.0; 16 facts)`."""
    if share is None:
        return "none learnt"
    low, high = share.interval.low, share.interval.high
    shown = f"{100 * share.value:.1f} ({100 * low:.1f}–{100 * high:.1f}"
    seeds = f"; seeds {100 * share.seeds[0]:.0f}–{100 * share.seeds[1]:.0f}"
    return f"{shown}{seeds if share.seeds[0] != share.seeds[1] else ''}; {share.facts} facts)"


def _table(rows: Iterable[Sequence[str]]) -> str:
    first, *others = rows
    lines = [first, ["---"] * len(first), *others]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
