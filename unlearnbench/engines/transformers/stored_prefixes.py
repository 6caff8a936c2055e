"""Keys and values of prefixes that several rows share, kept while rows need them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from unlearnbench.engines.transformers.cache import SlotCache
from unlearnbench.engines.transformers.prefixes import Forest


@dataclass(slots=True)
class RunningRow:
    """A running row: `length` positions are in its slot, `output` is what it has said so far."""

    index: int
    prompt: Sequence[int]
    length: int
    fresh: list[int]
    leads: list[int] = field(default_factory=list)
    output: list[int] = field(default_factory=list)
    peaks: list[float] = field(default_factory=list)


class StoredPrefixes:
    """Stored keys and values of shared prefixes: made by the first row that needs them, dropped
    after the last."""

    def __init__(self, forest: Forest) -> None:
        self.forest = forest
        self.ready: dict[int, torch.Tensor] = {}
        self.claimed: set[int] = set()
        self.users = Counter(node for chain in forest.chains for node in chain)

    def admissible(self, index: int) -> bool:
        """Whether row `index` can start: no prefix it needs is being computed by another row."""
        return not any(n in self.claimed and n not in self.ready for n in self.forest.chains[index])

    def start(self, row: RunningRow, slot: int, cache: SlotCache) -> None:
        """Fill `slot` with the longest stored prefix and claim the missing ones for `row`."""
        chain = self.forest.chains[row.index]
        stored = [n for n in chain if n in self.ready]
        if stored:
            cache.copy_in(slot, self.ready[stored[-1]])
            row.length = self.forest.nodes[stored[-1]].length
        row.leads = [n for n in chain if n not in self.ready]
        self.claimed.update(row.leads)
        row.fresh = list(row.prompt[row.length :])

    def finish(self, row: RunningRow, slot: int, cache: SlotCache) -> None:
        """Store what `row` computed for others and forget what nobody needs any more."""
        for node in row.leads:
            self.ready[node] = cache.copy_out(slot, self.forest.nodes[node].length)
        for node in self.forest.chains[row.index]:
            self.users[node] -= 1
            if not self.users[node]:
                del self.ready[node]
