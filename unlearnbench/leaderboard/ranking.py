"""Which rows are ranked, in which order, and with what rank interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from unlearnbench.leaderboard.entry import Entry

ENVELOPE = {"retain.mean": 0.8, "fluency": 0.9}
"""A row is ranked if it keeps these shares of its base's scores; otherwise it is only shown."""
RESAMPLES = 1000
"""Bootstrap resamples for a rank interval."""


def ranked(entries: Sequence[Entry]) -> list[Entry]:
    """The rows of a division in order, with `outside` and `rank`.

    Ranked rows come first, ordered by worst case, then by retain.
    """
    placed = [replace(entry, outside=outside(entry)) for entry in entries]
    inside = [entry for entry in placed if not entry.outside]
    intervals = ranks([entry.known_states for entry in inside])
    rank_of = {entry.id: rank for entry, rank in zip(inside, intervals, strict=True)}
    placed = [replace(entry, rank=rank_of.get(entry.id)) for entry in placed]
    return sorted(placed, key=_order)


def _order(entry: Entry) -> tuple[bool, float, float, str]:
    retain = entry.scores["retain.mean"].value
    return bool(entry.outside), entry.worst, -retain, entry.id


def outside(entry: Entry) -> list[str]:
    """Reasons why a row is not ranked; empty if it is."""
    reasons = ["only claimed"] if entry.trust == "claimed" else []
    for name, share in ENVELOPE.items():
        if entry.scores[name].value < share * entry.base_scores[name].value:
            reasons.append(f"{name.partition('.')[0]} below {share:.0%} of the base's")
    return reasons


def ranks(states: Sequence[Mapping[str, bool]], seed: int = 0) -> list[tuple[int, int]]:
    """For each row its rank interval, 1 the best: the 2.5 and 97.5 % quantiles over resamples.

    Facts are drawn with replacement, the same ones for every row (a paired bootstrap, Efron and
    Tibshirani 1993, chapter 8). A rank is 1 + the number of rows that leak less, so equal rows
    tie. If every row leaks the same facts, all ranks are equal. Raises `ValueError` if the rows do
    not have the same facts.
    """
    if not states:
        return []
    facts = sorted(states[0])
    if any(sorted(row) != facts for row in states):
        raise ValueError("rows of one division must be asked the same facts")
    leaked = np.array([[row[fact] for fact in facts] for row in states], dtype=np.float64)
    weights = np.random.default_rng(seed).multinomial(
        len(facts), np.full(len(facts), 1 / len(facts)), size=RESAMPLES
    )
    counts = np.rint(leaked @ weights.T).astype(np.int64)
    places = np.empty_like(counts)
    for draw in range(RESAMPLES):
        column = counts[:, draw]
        places[:, draw] = 1 + np.searchsorted(np.sort(column), column, side="left")
    low, high = np.quantile(places, (0.025, 0.975), axis=1, method="closest_observation")
    return [(int(a), int(b)) for a, b in zip(low, high, strict=True)]
