"""Attack records that add up: made-up points with the summary that follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unlearnbench.attacks.relearn.summary import summarise
from unlearnbench.attacks.stress.union import union_of
from unlearnbench.runs.schema import RelearnRecord, StressRecord


def with_union(record: Mapping[str, Any]) -> dict[str, Any]:
    """A stress record with the union of its doors and its baseline."""
    stored = StressRecord.from_disk(record, Path("stress.json"))
    assert stored.baseline is not None
    union = union_of(stored.baseline, stored.findings)
    return {**record, "union": union.model_dump(mode="json")}


def with_summary(record: Mapping[str, Any], first: Mapping[str, Any]) -> dict[str, Any]:
    """A relearning record with a first point and the summary of its arms."""
    begun = {**record, "first": dict(first), "summary": None}
    stored = RelearnRecord.from_disk(begun, Path("relearn.json"))
    assert stored.first is not None
    summary = summarise(stored.arms, stored.ceiling, stored.first)
    return {**begun, "summary": summary.model_dump(mode="json")}
