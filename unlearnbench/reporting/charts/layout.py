"""Which places names take, so that none covers another and few lines cross.

Names are placed one after another, each where it disturbs least; then they are moved, alone and in
pairs, while that helps. Nothing is drawn by chance: equal points give equal places.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np

from unlearnbench.reporting.charts.geometry import (
    Floats,
    boxes_meet,
    lines_cross,
    lines_cross_boxes,
)
from unlearnbench.reporting.charts.places import Place, Places

_PLACES = (120, 480)
"""Places of a name that are looked at, the cheapest; more of them where these do not do."""
_THROUGH_NAME, _CROSSED = 300, 60
"""What a leader through another name, and through another leader, cost in units of distance."""
_TAKEN = 1e6
"""What a place under another name costs: it is never taken."""
_ROUNDS, _LEAST_GAIN = 4, 1.0


def choose_places(options: Sequence[Places]) -> list[Place | None]:
    """A place for each name, in their order; None where all its places are taken."""
    if not options:
        return []
    for most in _PLACES:
        layout = _laid_out([places.best(most) for places in options])
        if layout.is_clear:
            break
    return [
        None if taken is None else places.place(taken)
        for places, taken in zip(options, layout.taken, strict=True)
    ]


def _laid_out(options: Sequence[Places]) -> _Layout:
    """The best of two orders of placing, improved."""
    layouts = []
    for key in (_room, _height):
        layouts.append(_Layout(options))
        layouts[-1].fill(sorted(range(len(options)), key=lambda i: key(options[i])))
    best = min(layouts, key=lambda layout: layout.total)
    best.improve()
    return best


def _room(places: Places) -> float:
    """How much the first places of a name cost: little where it stands alone."""
    return -float(places.costs[:8].sum()) if len(places.costs) >= 8 else -_TAKEN


def _height(places: Places) -> float:
    return float(places.leaders[0, 1]) if len(places.leaders) else 0.0


class _Layout:
    """Names with the places that they have taken so far."""

    def __init__(self, options: Sequence[Places]) -> None:
        self._options = options
        self.taken: list[int | None] = [None] * len(options)
        sizes = [len(places.costs) for places in options]
        ends = np.cumsum([0, *sizes])
        self._own = [slice(a, b) for a, b in pairwise(ends)]
        self._boxes = np.concatenate([places.boxes for places in options] or [np.zeros((0, 4))])
        self._leaders = np.concatenate([p.leaders for p in options] or [np.zeros((0, 4))])
        self._pressure = np.zeros(len(self._boxes))
        """What the names that are placed add to the cost of every place."""
        self._known: dict[tuple[int, int], Floats] = {}

    def fill(self, order: Sequence[int]) -> None:
        """Place all names in this order, then move each while that helps."""
        for _ in range(_ROUNDS):
            if not any([self._choose(name) for name in order]):
                break

    def improve(self) -> None:
        """Move names in pairs while that helps."""
        for _ in range(_ROUNDS):
            pairs = combinations(range(len(self.taken)), 2)
            if not any([self._exchange(one, other) for one, other in pairs]):
                break

    @property
    def total(self) -> float:
        """What all places cost, a missing one most."""
        return sum(self._cost_of(name) for name in range(len(self.taken)))

    @property
    def is_clear(self) -> bool:
        """Whether every name has a place, and no line leads through another name."""
        names = zip(self.taken, self._own, strict=True)
        return all(t is not None and self._pressure[o][t] < _THROUGH_NAME for t, o in names)

    def _choose(self, name: int) -> bool:
        """Take the best place for a name as the others stand; whether that changed anything."""
        before = self.taken[name]
        self._put(name, None)
        self._put(name, self._best(name)[0])
        return self.taken[name] != before

    def _exchange(self, one: int, other: int) -> bool:
        """Place two names anew, in either order, if that is better than as they stand."""
        before = self.taken[one], self.taken[other]
        stands = self._cost_of(one)
        self._put(one, None)
        stands += self._cost_of(other)
        self._put(other, None)
        best, cost = before, stands - _LEAST_GAIN
        for first, second in ((one, other), (other, one)):
            place, costs = self._best(first)
            self._put(first, place)
            next_place, more = self._best(second)
            self._put(first, None)
            if costs + more < cost:
                pair = (place, next_place) if first == one else (next_place, place)
                best, cost = pair, costs + more
        self._put(one, best[0])
        self._put(other, best[1])
        return best != before

    def _best(self, name: int) -> tuple[int | None, float]:
        """The best place for a name as the others stand, and what it costs."""
        costs = self._options[name].costs + self._pressure[self._own[name]]
        best = int(np.argmin(costs)) if len(costs) else None
        if best is None or costs[best] >= _TAKEN:
            return None, _TAKEN
        return best, float(costs[best])

    def _cost_of(self, name: int) -> float:
        taken = self.taken[name]
        if taken is None:
            return _TAKEN
        return float(self._options[name].costs[taken] + self._pressure[self._own[name]][taken])

    def _put(self, name: int, place: int | None) -> None:
        """Put a name into a place, or take it out of its own."""
        before = self.taken[name]
        if before is not None:
            self._pressure -= self._disturbance(name, before)
        if place is not None:
            self._pressure += self._disturbance(name, place)
        self.taken[name] = place

    def _disturbance(self, name: int, place: int) -> Floats:
        """What a name in a place adds to the cost of every place of the others."""
        if (name, place) not in self._known:
            places, own = self._options[name], self._own[name]
            box, leader = places.boxes[place], places.leaders[place]
            through = lines_cross_boxes(self._leaders, box).astype(np.float64)
            through += lines_cross_boxes(leader, self._boxes)
            costs: Floats = _TAKEN * boxes_meet(self._boxes, box) + _THROUGH_NAME * through
            costs += _CROSSED * lines_cross(self._leaders, leader)
            costs[own] = 0
            self._known[name, place] = np.rint(costs)
        return self._known[name, place]
