"""Records of utility that no model made, with answers of any kind."""

from __future__ import annotations

from collections.abc import Mapping

from unlearnbench.benchmark.utility_sets import load_utility_sets
from unlearnbench.runs.schema.utility import Drift, Measurement, StoredAnswer, UtilityRecord
from unlearnbench.utility.summary import metrics_of


def measured(answers: Mapping[str, str | None], name: str = "model") -> Measurement:
    """A measurement with these answers; None is one that failed."""
    sets = load_utility_sets().first(len(answers))
    return Measurement(
        checkpoint=name,
        fingerprint="0" * 64,
        dtype="float32",
        notes=(),
        letters={q.id: (-1.0, -2.0, -2.0, -2.0) for q in sets.questions},
        choices={q.id: (-1.0, -2.0, -2.0, -2.0) for q in sets.questions},
        answers={
            key: StoredAnswer(text=text, fault="lost" if text is None else None)
            for key, text in answers.items()
        },
        prose={row.id: (-1.0, -2.0) for row in sets.prose},
        vocabulary=8,
        tables={},
        tasks={},
    )


def utility_record(
    model: Mapping[str, str | None], base: Mapping[str, str | None] | None
) -> UtilityRecord:
    """A record of these answers, by the ids of the bundled instructions."""
    sets = load_utility_sets().first(len(model))
    one = measured(model)
    other = None if base is None else measured(base, "base")
    return UtilityRecord(
        created="2026-01-01T00:00:00Z",
        data=sets.fingerprint,
        model=one,
        base=other,
        drift=Drift(kl={}, jsd={}, refused="not measured") if other else None,
        preferences=None,
        metrics=metrics_of(one, sets),
        base_metrics=metrics_of(other, sets) if other else {},
    )


def instruction_ids(number: int) -> list[str]:
    """The ids of the first bundled instructions."""
    return [row.id for row in load_utility_sets().first(number).instructions]
