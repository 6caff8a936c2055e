"""A checkpoint's RWKU metrics as a file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnbench.files.disk import clear_leftovers, write_atomically

if TYPE_CHECKING:
    import pandas as pd

RWKU_SCHEMA = "unlearnbench-rwku/2"
"""In version 1, scores of several subjects were means over subjects."""


@dataclass(frozen=True, slots=True)
class RwkuRecord:
    """What was measured of which checkpoint on which subjects.

    `scores` are means over the rows of all subjects, `by_subject` over each subject's own; None
    where something is missing, which `open` names. `counts` and `empty` are the questions, and the
    responses without a word, by table.
    """

    source: str
    subjects: list[str]
    data_fingerprint: str
    checkpoint: str
    checkpoint_fingerprint: str
    dtype: str
    prompt_format: str
    scores: dict[str, float | None]
    by_subject: dict[str, dict[str, float | None]]
    counts: dict[str, int]
    empty: dict[str, int]
    open: list[str]

    def to_disk(self) -> dict[str, object]:
        """The record as a JSON object, its schema first."""
        return {"schema": RWKU_SCHEMA, **asdict(self)}

    def to_pandas(self) -> pd.DataFrame:
        """A row a metric, a column a subject, all together first."""
        import pandas as pd

        return pd.DataFrame({"all": self.scores, **self.by_subject})


def write_rwku(record: RwkuRecord, path: Path) -> None:
    """Write a record, whole or not at all. Raises `RunError` if the disk refuses."""
    clear_leftovers(path.parent, path.name)
    write_atomically(path, json.dumps(record.to_disk(), indent=2, ensure_ascii=False) + "\n")
