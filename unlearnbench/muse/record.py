"""A checkpoint's MUSE metrics as a file, which another checkpoint's can be compared with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnbench.errors import BenchmarkError, RunError, UnreadableError
from unlearnbench.files.disk import clear_leftovers, write_atomically
from unlearnbench.files.reading import read_object

if TYPE_CHECKING:
    import pandas as pd

MUSE_SCHEMA = "unlearnbench-muse/1"


@dataclass(frozen=True, slots=True)
class MuseRecord:
    """What was measured of which checkpoint on which corpus, by whose definitions.

    `scores` are in percent, None where a response is missing, which `open` names. `auc` is what a
    later call needs of a retrained model; `compared_with` says whose AUC stood for one here.
    `empty` are the responses without a word by metric, which count as 0.
    """

    source: str
    corpus: str
    like: str
    data_fingerprint: str
    checkpoint: str
    checkpoint_fingerprint: str
    dtype: str
    scores: dict[str, float | None]
    auc: float
    compared_with: str
    empty: dict[str, int]
    open: list[str]

    def to_disk(self) -> dict[str, object]:
        """The record as a JSON object, its schema first."""
        return {"schema": MUSE_SCHEMA, **asdict(self)}

    def to_pandas(self) -> pd.DataFrame:
        """A row a metric."""
        import pandas as pd

        return pd.DataFrame(list(self.scores.items()), columns=["metric", "value"])


@dataclass(frozen=True, slots=True)
class MuseSeries:
    """The records of the checkpoints that could be measured, in the order in which they were named.

    `failed` says of each other one, as it was named, why not.
    """

    records: tuple[MuseRecord, ...]
    failed: Mapping[str, str]

    def to_pandas(self) -> pd.DataFrame:
        """A row a checkpoint, a column a metric."""
        import pandas as pd

        return pd.DataFrame([{"checkpoint": r.checkpoint, **r.scores} for r in self.records])


def write_muse(records: Sequence[MuseRecord], path: Path) -> None:
    """Write one record, or several as a list, whole or not at all. Raises `RunError`."""
    clear_leftovers(path.parent, path.name)
    stored = [record.to_disk() for record in records]
    text = json.dumps(stored[0] if len(stored) == 1 else stored, indent=2)
    write_atomically(path, text + "\n")


@dataclass(frozen=True, slots=True)
class RetrainedModel:
    """The AUC of a model that never saw the forget texts, its name and its fingerprint."""

    auc: float
    checkpoint: str
    fingerprint: str


def read_retrained(path: Path, data_fingerprint: str, like: str) -> RetrainedModel:
    """The stored record of a retrained model, of the same data by the same definitions.

    Raises `RunError` for what is no such record, `BenchmarkError` for one of other data or
    definitions.
    """
    try:
        stored = read_object(path, lenient=True)
    except UnreadableError as error:
        raise RunError(f"--retain-log {error}; make it with --out, of one checkpoint") from error
    area, checkpoint = stored.get("auc"), stored.get("checkpoint")
    if stored.get("schema") != MUSE_SCHEMA or not isinstance(area, float) or not 0 <= area <= 1:
        raise RunError(f"--retain-log {path}: not a result of this command; make it with --out")
    for name, value in (("data_fingerprint", data_fingerprint), ("like", like)):
        if stored.get(name) != value:
            what = "other data" if name != "like" else f"definitions of {stored.get(name)}"
            raise BenchmarkError(
                "other-retain-log", f"--retain-log {path}", f"it was measured on or by {what}"
            )
    if area == 1:
        raise RunError(f"--retain-log {path}: an AUC of 1 leaves no PrivLeak (division by 0)")
    return RetrainedModel(area, str(checkpoint)[:100], str(stored.get("checkpoint_fingerprint")))
