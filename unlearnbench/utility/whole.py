"""Whether a measurement that others may have written or changed holds all that was asked."""

from __future__ import annotations

from collections.abc import Iterable

from unlearnbench.benchmark.utility_sets import UtilitySets
from unlearnbench.hashing import sha256_json
from unlearnbench.runs.schema.utility import ChoiceTable, Drift, InstructionTable, Measurement

_ROUNDING = 1e-4
"""Nats by which a computed log-probability may lie above 0."""


def is_whole(measured: Measurement, sets: UtilitySets) -> bool:
    """Whether every row is there, of the sets and of others, and each number can be one."""
    questions = {q.id for q in sets.questions}
    tables = (measured.letters, measured.choices, measured.prose)
    return (
        set(measured.letters) == set(measured.choices) == questions
        and set(measured.answers) == {row.id for row in sets.instructions}
        and set(measured.prose) == {row.id for row in sets.prose}
        and all(_logprobs(row) for table in tables for row in table.values())
        and all(map(_is_whole_table, measured.tables.values()))
        and all(map(_has_all_answers, measured.instructions.values()))
    )


def is_whole_drift(drift: Drift, measured: Measurement) -> bool:
    """Whether there is a divergence for each token of prose, or a reason why there is none."""
    if drift.refused is not None:
        return not drift.kl and not drift.jsd
    tokens = {name: len(row) for name, row in measured.prose.items()}
    return all(
        {name: len(row) for name, row in rows.items()} == tokens
        and all(value >= 0 for row in rows.values() for value in row)
        for rows in (drift.kl, drift.jsd)
    )


def _logprobs(row: Iterable[float]) -> bool:
    """Whether these are log-probabilities, at least one of them."""
    values = list(row)
    return bool(values) and all(value <= _ROUNDING for value in values)  # false for NaN


def _is_whole_table(table: ChoiceTable) -> bool:
    """A row without letters is open; what cannot be is letters without the right one."""
    return bool(table.gold) and all(
        name in table.gold and len(row) > table.gold[name] and _logprobs(row)
        for name, row in table.letters.items()
    )


def _has_all_answers(table: InstructionTable) -> bool:
    """Whether the answers are to all of the instructions that `data` is the digest of."""
    asked = dict(table.instructions)
    return bool(asked) and set(table.answers) == set(asked) and sha256_json(asked) == table.data
