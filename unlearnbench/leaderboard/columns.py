"""The columns `relearnt` and `stress` of a row, from attack records."""

from __future__ import annotations

from collections.abc import Mapping

from unlearnbench.attacks.catalog import BENIGN
from unlearnbench.leaderboard.entry import Peak, RelearnColumn, StressColumn
from unlearnbench.reporting.charts import relearning_curves
from unlearnbench.runs.schema import FinishedRelearn, figures
from unlearnbench.scoring.scores import leaked_anywhere, of_facts
from unlearnbench.submissions.attacks import Attacks


def relearn_column(attacks: Attacks) -> RelearnColumn | None:
    """The benign arms of a relearning record and the worst of them."""
    record = attacks.relearn
    if record is None:
        return None
    arms = [name for name in BENIGN if name in record.arms]
    ceiling = record.ceiling.forget.high if record.ceiling else None
    return RelearnColumn(
        arms=arms,
        worst=peak_of(record),
        unranked=record.summary.unranked,
        curves=relearning_curves(record),
        ceiling=ceiling,
        derived="relearn" in attacks.derived,
    )


def peak_of(record: FinishedRelearn) -> Peak | None:
    """The benign arm that brought most facts back; None without a benign arm."""
    worst = record.summary.worst_benign
    return None if worst is None else Peak(**dict(worst))


def stress_column(attacks: Attacks, states: Mapping[str, bool]) -> StressColumn | None:
    """All ranked doors of a stress record together with the row's own `states`."""
    record = attacks.stress
    if record is None:
        return None
    union = leaked_anywhere([states, record.union.states])
    return StressColumn(
        doors=sorted(name for name, door in record.findings.items() if door.ranked),
        score=figures(of_facts("stress", union)),
        beyond=[fact for fact, leaked in union.items() if leaked and not states[fact]],
        derived="stress" in attacks.derived,
        engine=record.identity.engine or "transformers",
    )
