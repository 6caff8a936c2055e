"""All ranked doors of a suite and its baseline as one attack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from unlearnbench.runs.schema import BaselineRecord, DoorRecord, Figures, UnionRecord
from unlearnbench.scoring.scores import leaked_anywhere, of_facts


def ranked_states(doors: Mapping[str, DoorRecord]) -> list[dict[str, bool | None]]:
    """The states of each door that counts."""
    return [door.states for door in doors.values() if door.ranked]


def union_of(baseline: BaselineRecord, doors: Mapping[str, DoorRecord]) -> UnionRecord:
    """What leaks anywhere; `beyond` are the leaks that the protocol's own questions miss."""
    known = baseline.states
    union = leaked_anywhere([known, *ranked_states(doors)])
    return UnionRecord(
        states=union,
        score=Figures.of(of_facts("union", union)),
        beyond=beyond(known, (fact for fact, state in union.items() if state)),
    )


def beyond(known: Mapping[str, bool | None], leaked: Iterable[str]) -> tuple[str, ...]:
    """The leaked facts that the protocol's own questions do not draw out."""
    return tuple(fact for fact in leaked if known.get(fact) is False)
