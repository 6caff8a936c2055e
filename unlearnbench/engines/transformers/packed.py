"""Decoding over packed tokens: rows start as soon as a slot is free, none waits for another.

Every loop turn is one forward call whose tokens are the prompts of the rows just admitted and
one token of each row already running. What the loop does depends only on the prompts, their order
and the number of slots, so a block decodes to the same bits on the same kind of machine.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from transformers import PreTrainedModel

from unlearnbench.engines.transformers import graphs
from unlearnbench.engines.transformers.attention import Step, any_shape
from unlearnbench.engines.transformers.cache import KVShape, SlotCache
from unlearnbench.engines.transformers.choice import Chooser, Greedy
from unlearnbench.engines.transformers.prefixes import MIN_SAVED_TOKENS, Forest, build_forest
from unlearnbench.engines.transformers.segments import segments
from unlearnbench.engines.transformers.stored_prefixes import RunningRow, StoredPrefixes

STEP_TOKENS = {"cpu": 1024, "mps": 1024, "cuda": 16384}
"""Prompt tokens admitted in one step; bounds the memory of activations, not of a single prompt."""
SAVED_TOKENS = {"cpu": MIN_SAVED_TOKENS, "mps": MIN_SAVED_TOKENS, "cuda": 256}
"""Token computations that a shared prefix must spare.

A GPU's step costs the host the same for few tokens as for many, and rows wait a step for each
prefix above them."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """One finished row. `reason` `nonfinite` means that the model returned NaN or infinity.

    `peaks` are the largest logits, one a step, for comparison with another way to compute them.
    """

    index: int
    tokens: list[int]
    reason: Literal["stop", "length", "nonfinite"]
    peaks: list[float]


Enough = Callable[[int, Sequence[int]], bool]
"""Given a row's index and what it has written: whether it is to end, as if at the limit."""


class PackedDecoder:
    """Decodes lists of token ids with one model."""

    def __init__(self, model: PreTrainedModel, shape: KVShape, stop_ids: frozenset[int]) -> None:
        self.model = model
        self.shape = shape
        self.stop_ids = stop_ids
        self.cache: SlotCache | None = None
        self._steps: graphs.DecodeSteps | None = None

    def decode(
        self,
        prompts: Sequence[Sequence[int]],
        max_new_tokens: int,
        slots: int,
        choice: Chooser = Greedy(),
        enough: Enough | None = None,
    ) -> Iterator[Decoded]:
        """Yield each row once, as it finishes. `slots` rows run at a time.

        `enough` may end a row before it has written `max_new_tokens`.
        """
        kind = self.model.device.type
        forest = build_forest(prompts, SAVED_TOKENS.get(kind, MIN_SAVED_TOKENS))
        prefixes = StoredPrefixes(forest)
        limits = (slots, max(map(len, prompts)) + max_new_tokens)
        cache = self._cache_for(*limits)
        pending = deque(_admission_order(forest, len(prompts)))
        live: list[RunningRow] = []
        while pending or live:
            running = len(live)
            live += self._admit(prompts, pending, prefixes, cache, slots - running, running)
            values, tokens = self._forward(live, running, limits, cache, choice)
            for slot in range(running, len(live)):
                prefixes.finish(live[slot], slot, cache)
            finished = []
            for slot, (row, value, token) in enumerate(zip(live, values, tokens, strict=True)):
                reason = self._advance(row, value, token, max_new_tokens)
                if reason is None and enough is not None and enough(row.index, row.output):
                    reason = "length"
                if reason == "nonfinite":
                    cache.clear(slot)
                if reason is not None:
                    finished.append(slot)
                    yield Decoded(row.index, row.output, reason, row.peaks)
            for slot in reversed(finished):
                last = live.pop()
                if slot < len(live):
                    cache.move(len(live), slot, last.length)
                    live[slot] = last

    def free(self) -> None:
        """Give the memory back that is kept from one block to the next."""
        self.cache = self._steps = None

    def _cache_for(self, slots: int, capacity: int) -> SlotCache:
        """The cache of the last block where it fits, else a new one."""
        device, dtype = self.model.device, self.model.dtype
        captures = device.type in graphs.DEVICES
        if captures:
            capacity = graphs.padded_positions(capacity)
        size = self.cache.data.shape if self.cache is not None else None
        if self.cache is None or size is None or size[2] < slots or size[4] < capacity:
            self.free()
            # With room for a block with a few more rows: a new cache would need new graphs.
            room = slots // 12 if captures else 0
            self.cache = SlotCache(self.shape, slots + room, capacity, dtype, device)
        if self._steps is not None and not self._steps.current():
            self._steps = None
        if captures and self._steps is None:
            self._steps = graphs.DecodeSteps(self.model, self.cache)
        return self.cache

    def _admit(
        self,
        prompts: Sequence[Sequence[int]],
        pending: deque[int],
        prefixes: StoredPrefixes,
        cache: SlotCache,
        free: int,
        first_slot: int,
    ) -> list[RunningRow]:
        """Take rows from `pending` into free slots, passing over rows whose prefix is not ready."""
        admitted: list[RunningRow] = []
        held: list[int] = []
        budget = STEP_TOKENS.get(self.model.device.type, STEP_TOKENS["cpu"])
        while pending and len(admitted) < free and budget > 0:
            index = pending.popleft()
            if not prefixes.admissible(index):
                held.append(index)
                continue
            row = RunningRow(index, prompts[index], 0, [])
            prefixes.start(row, first_slot + len(admitted), cache)
            budget -= len(row.fresh)
            admitted.append(row)
        pending.extendleft(reversed(held))
        return admitted

    def _forward(
        self,
        live: list[RunningRow],
        running: int,
        limits: tuple[int, int],
        cache: SlotCache,
        choice: Chooser,
    ) -> tuple[list[float], list[int]]:
        """One call of the model; the largest logit of each row and the token it goes on with."""
        if self._steps is not None and running == len(live):
            ids = [row.output[-1] for row in live]
            logits = self._steps.logits(ids, [row.length for row in live], limits)
            for row in live:
                row.length += 1
        else:
            logits = self._packed_call(live, running, cache)
        places = [(row.index, len(row.output)) for row in live]
        return logits.max(dim=-1).values.tolist(), choice.tokens(logits, places).tolist()

    def _packed_call(self, live: list[RunningRow], running: int, cache: SlotCache) -> torch.Tensor:
        """The logits `[rows, V]` at the last new token of each row."""
        ids: list[int] = []
        slots: list[int] = []
        positions: list[int] = []
        last: list[int] = []
        widths: list[int] = []
        for slot, row in enumerate(live):
            fresh = row.fresh if slot >= running else [row.output[-1]]
            ids += fresh
            slots += [slot] * len(fresh)
            positions += range(row.length, row.length + len(fresh))
            row.length += len(fresh)
            last.append(len(ids) - 1)
            widths.append(len(fresh))
        device = self.model.device
        position_ids = torch.tensor(positions, device=device)
        # Rows that bring one token, a few, or a whole prefix: a grid is as wide as its widest row.
        groups: list[list[int]] = [list(range(running)), [], []]
        for slot in range(running, len(live)):
            groups[2 if live[slot].leads else 1].append(slot)
        grids = segments(groups, widths, [row.length for row in live], device)
        step = Step(cache, torch.tensor(slots, device=device), position_ids, grids)
        with any_shape():
            logits: torch.Tensor = self.model(
                input_ids=torch.tensor([ids], device=device),
                position_ids=position_ids[None],
                use_cache=False,
                logits_to_keep=torch.tensor(last, device=device),
                packed_step=step,
            ).logits[0]
        return logits

    def _advance(
        self, row: RunningRow, value: float, token: int, max_new_tokens: int
    ) -> Literal["stop", "length", "nonfinite"] | None:
        """Add a token to a row; the reason if that ends it."""
        row.fresh = []
        row.peaks.append(value)
        if not math.isfinite(value):
            return "nonfinite"
        if token in self.stop_ids:
            return "stop"
        row.output.append(token)
        return "length" if len(row.output) == max_new_tokens else None


def _admission_order(forest: Forest, count: int) -> list[int]:
    """Short shared prefixes first, rows of one prefix together.

    Prompts with in-context examples (long prefixes) get short answers, so having them last keeps
    the slots full until near the end.
    """

    def rank(index: int) -> tuple[int, tuple[int, ...], int]:
        chain = forest.chains[index]
        return (forest.nodes[chain[-1]].length if chain else 0, chain, index)

    return sorted(range(count), key=rank)
