"""A record's metrics beside those of a base that was measured in a run of its own."""

from __future__ import annotations

from collections.abc import Mapping

from unlearnbench.runs.schema.utility import Metric, UtilityRecord
from unlearnbench.utility.composite import composite
from unlearnbench.utility.ways import differences_of_ways

Metrics = Mapping[str, Metric]


def metrics_beside(record: UtilityRecord, base: UtilityRecord | None) -> tuple[Metrics, Metrics]:
    """A model's metrics and its base's, the composite among them where both are there.

    A base that the record holds itself comes first; one that was measured on other questions or in
    another way is left out.
    """
    if record.base is not None or base is None or base.data != record.data:
        return record.metrics, record.base_metrics
    if any(differences_of_ways(base.model.settings, record.model.settings)):
        return record.metrics, {}
    own = {name: metric for name, metric in base.metrics.items() if name != "composite"}
    return {**record.metrics, "composite": composite(record.metrics, own)}, own
