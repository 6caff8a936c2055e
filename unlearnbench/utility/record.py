"""What was measured of a checkpoint, with all that its metrics are computed from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from unlearnbench.errors import RunError, UnreadableError
from unlearnbench.files.disk import clear_leftovers, write_atomically
from unlearnbench.files.reading import read_object
from unlearnbench.runs.schema.base import Convert, Count, Float, Part, Record, Time

if TYPE_CHECKING:
    import pandas as pd


class Metric(Part):
    """A figure of a model. `low` and `high` differ while answers are open.

    `interval` is the 95 % interval around both, None where the figure has none; of `n` units
    `n_open` are open. `low` and `high` are None where nothing can be said.
    """

    low: Float | None
    high: Float | None
    interval: tuple[Float, Float] | None
    n: Count
    n_open: Count = 0

    @property
    def value(self) -> float | None:
        """The figure; None while anything is open."""
        return self.low if self.n_open == 0 else None


class StoredAnswer(Part):
    """A response to an instruction, or why there is none."""

    text: str | None
    fault: str | None


class Measurement(Part):
    """Everything that a model gave, by the ids of the rows.

    `letters` are ln p of the four letters, `choices` the mean ln p a token of the four choices
    written out, `prose` ln p of each token of a paragraph, all in nats. `vocabulary` is the number
    of tokens that the model's distributions cover.
    """

    checkpoint: str
    fingerprint: str
    dtype: str
    notes: tuple[str, ...]
    letters: Mapping[str, tuple[Float, Float, Float, Float]]
    choices: Mapping[str, tuple[Float, Float, Float, Float]]
    answers: Mapping[str, StoredAnswer]
    prose: Mapping[str, tuple[Float, ...]]
    vocabulary: Count


class Drift(Part):
    """Divergences from the base at each token of each paragraph, in nats, or why there are none."""

    kl: Mapping[str, tuple[Float, ...]]
    jsd: Mapping[str, tuple[Float, ...]]
    refused: str | None


class UtilityRecord(Record):
    """A checkpoint's utility, and its base's where one was given.

    `data` is the fingerprint of the questions, instructions and prose. `metrics` and
    `base_metrics` follow from the measurements alone (`utility.summary.metrics_of`).
    """

    VERSION: ClassVar[int] = 1
    OLDER: ClassVar[Mapping[int, Convert]] = {}

    created: Time
    data: str
    model: Measurement
    base: Measurement | None
    drift: Drift | None
    metrics: Mapping[str, Metric]
    base_metrics: Mapping[str, Metric]

    @property
    def open(self) -> list[str]:
        """Instructions that got no answer, of the model or of its base."""
        both = [self.model] if self.base is None else [self.model, self.base]
        return [key for one in both for key, row in one.answers.items() if row.text is None]

    def to_pandas(self) -> pd.DataFrame:
        """A row a metric: name, value of the model and of its base, interval, units, open units."""
        import pandas as pd

        rows = [
            {
                "metric": name,
                "value": metric.value,
                "base": base.value if (base := self.base_metrics.get(name)) else None,
                "interval": metric.interval,
                "n": metric.n,
                "n_open": metric.n_open,
            }
            for name, metric in self.metrics.items()
        ]
        return pd.DataFrame(rows)


def write_utility(record: UtilityRecord, path: Path) -> None:
    """Write a record, whole or not at all. Raises `RunError` if the disk refuses."""
    clear_leftovers(path.parent, path.name)
    write_atomically(path, json.dumps(record.to_disk()) + "\n")


def read_utility(path: Path) -> UtilityRecord:
    """A record of a file. Raises `RunError` for what is none."""
    try:
        return UtilityRecord.from_disk(read_object(path, lenient=True), path)
    except UnreadableError as error:
        raise RunError(f"{error}; make it with unlearnbench utility --out") from error
