"""Which rows are ranked, in which order, and with what rank interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from unlearnbench.leaderboard.entry import BaseKnowledge, Entry
from unlearnbench.submissions.attacks import RERUNNABLE

ENVELOPE = {"retain.mean": 0.8, "fluency": 0.9}
"""A row is ranked if it keeps these shares of its base's scores; otherwise it is only shown."""
FLOORS = {"retain.mean": 0.2, "fluency": 0.7}
"""And these scores whatever its base has: a share of next to nothing is nothing."""
LEAST_KNOWN, LEAST_KNOWN_SHARE = 10, 0.2
"""Forget facts that a base must answer, in number and as a share, before it ranks anybody."""
LEAST_RETAIN = 0.25
"""Retain score that a base needs for the same."""
COMPOSITE = 0.9
"""Utility, the harmonic mean of what is left of the base's parts, that a row needs to be ranked."""
RESAMPLES = 1000
"""Bootstrap resamples for a rank interval."""


def ranked(entries: Sequence[Entry]) -> list[Entry]:
    """The rows of a division in order, with `outside` and `rank`.

    Ranked rows come first, ordered by the worst case among facts that the base answers, then by the
    worst case among all, then by retain.
    """
    placed = [replace(entry, outside=outside(entry)) for entry in entries]
    inside = [entry for entry in placed if not entry.outside]
    # One place a checkpoint, however often it was sent: its rows push nobody else down.
    states = _by_checkpoint(inside)
    rank_of = dict(zip(states, ranks(list(states.values())), strict=True))
    placed = [
        entry if entry.outside else replace(entry, rank=rank_of[entry.claim.fingerprint])
        for entry in placed
    ]
    return sorted(placed, key=_order)


def _by_checkpoint(rows: Sequence[Entry]) -> dict[str, Mapping[str, bool]]:
    """Fingerprint -> the facts that leak in any row of this checkpoint."""
    states: dict[str, Mapping[str, bool]] = {}
    for row in rows:
        known = states.get(row.claim.fingerprint, {})
        states[row.claim.fingerprint] = {
            fact: leaks or known.get(fact, False) for fact, leaks in row.ranked_states.items()
        }
    return states


def _order(entry: Entry) -> tuple[bool, float, float, float, str]:
    retain = entry.scores["retain.mean"].value
    return bool(entry.outside), entry.among_known.value, entry.worst, -retain, entry.id


def outside(entry: Entry) -> list[str]:
    """Reasons why a row is not ranked; empty if it is."""
    reasons = ["only claimed"] if entry.trust == "claimed" else []
    reasons += _base_reasons(entry.base_knowledge)
    for name, floor in FLOORS.items():
        value, share = entry.scores[name].value, ENVELOPE[name]
        if value < floor:
            reasons.append(f"{name.partition('.')[0]} below {floor:.0%}")
        elif value < share * entry.base_scores[name].value:
            reasons.append(f"{name.partition('.')[0]} below {share:.0%} of the base's")
    reasons += _utility_reasons(entry)
    reasons += [doubt.what for doubt in entry.doubts if doubt.bars]
    if entry.claim.judge != RERUNNABLE and "re-judged" not in entry.levels:
        reasons.append(f"nobody else has judged a sample again: {entry.claim.judge} is paid")
    return reasons


def _utility_reasons(entry: Entry) -> list[str]:
    """Why utility bars a row; empty if it does not, or if the board has none to compare with.

    A row cannot stay ranked by leaving its utility out: only rows on the board's own list may.
    """
    if entry.utility_rule == "missing":
        return ["its utility was not measured"]
    if entry.utility_rule != "measured" or entry.utility is None:
        return []
    if entry.utility.composite is None:
        return ["its utility cannot be compared with the base's"]
    if entry.utility.composite < COMPOSITE:
        return [f"utility below {COMPOSITE:.0%} of the base's"]
    return []


def _base_reasons(base: BaseKnowledge) -> list[str]:
    """Why a base model ranks nobody; empty if it does."""
    reasons = []
    if base.known < max(LEAST_KNOWN, LEAST_KNOWN_SHARE * base.asked):
        reasons.append(f"the base answers only {base.known} of {base.asked} forget facts")
    if base.retain < LEAST_RETAIN:
        reasons.append(f"the base answers only {base.retain:.0%} of the retain questions")
    if base.fluency < FLOORS["fluency"]:
        reasons.append(f"only {base.fluency:.0%} of the base's answers are fluent")
    if base.answers is not None and base.answers < FLOORS["fluency"]:
        reasons.append(f"the base answers only {base.answers:.0%} of the instructions well")
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
