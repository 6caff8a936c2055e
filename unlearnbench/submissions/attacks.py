"""What attack records sum up, computed from their own points without a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unlearnbench.scoring.scores import leaked_anywhere, of_facts
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
    score = of_facts("union", union)
    return {
        "states": union,
        "score": {
            "low": score.low,
            "high": score.high,
            "n": score.n,
            "n_open": score.n_open,
            "interval": [score.interval.low, score.interval.high],
        },
        "beyond": [fact for fact, state in union.items() if state and known.get(fact) is False],
    }
