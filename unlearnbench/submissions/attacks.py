"""What attack records sum up, computed from their own points without a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unlearnbench.scoring.scores import bounds_record, leaked_anywhere, of_facts
from unlearnbench.stress.relearn.summary import summarise


def summed_up(kind: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """The summary of a relearning record, or the union of a stress record.

    Raises `KeyError`, `TypeError` or `ValueError` if the record has another shape.
    """
    if kind == "relearn":
        ceiling = record["ceiling"]
        top = None if ceiling is None else float(ceiling["forget"]["high"])
        return summarise(record["arms"], top, record["first"])
    known: Mapping[str, bool | None] = record["baseline"]["states"]
    ranked = [f["states"] for f in record["findings"].values() if f["ranked"]]
    union = leaked_anywhere([known, *ranked])
    return {
        "states": union,
        "score": bounds_record(of_facts("union", union)),
        "beyond": [fact for fact, state in union.items() if state and known.get(fact) is False],
    }
