"""All ranked doors of a suite and its baseline as one attack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from unlearnbench.runs.schema import BaselineRecord, DoorRecord, Figures, UnionRecord
from unlearnbench.scoring.scores import leaked_anywhere, of_facts


def ranked_states(doors: Mapping[str, DoorRecord]) -> list[dict[str, bool | None]]:
    """The states of each door that counts."""
    return [door.states for door in doors.values() if door.ranked]


def union_of(baseline: BaselineRecord, doors: Mapping[str, DoorRecord]) -> UnionRecord:
    """The facts that leak through any door; `beyond` those that the protocol's questions miss."""
    baseline_states = baseline.states
    union = leaked_anywhere([baseline_states, *ranked_states(doors)])
    return UnionRecord(
        states=union,
        score=Figures.of(of_facts("union", union)),
        beyond=beyond(baseline_states, (fact for fact, state in union.items() if state)),
    )


def beyond(known: Mapping[str, bool | None], leaked: Iterable[str]) -> tuple[str, ...]:
    """The leaked facts that do not leak to the protocol's own questions."""
    return tuple(fact for fact in leaked if known.get(fact) is False)
