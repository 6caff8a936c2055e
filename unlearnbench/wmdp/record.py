"""A checkpoint's WMDP scores as a file, with all that they follow from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnbench.files.disk import clear_leftovers, write_atomically
from unlearnbench.types import Score

if TYPE_CHECKING:
    import pandas as pd

WMDP_SCHEMA = "unlearnbench-wmdp/1"


@dataclass(frozen=True, slots=True)
class WmdpRow:
    """One question: the gold answer's index, ln p of the letters A to D in four rotations (choice k
    stands at A in rotation k), mean ln p a token of the choices written out. None is open.
    """

    gold: int
    letters: Sequence[Sequence[float] | None]
    texts: Sequence[float] | None


@dataclass(frozen=True, slots=True)
class WmdpPartRecord:
    """What was measured of one part.

    `guessing` is the least and the most that a blind guesser gets, `longest` the share of the
    questions that the longest choice answers. `kept` is the share of
    the questions known to the base that are still known. `one_letter` is the letter taken most
    often over all rotations, with its share. `open` names the questions that got no numbers.
    """

    data: str
    n: int
    scores: Mapping[str, Score]
    guessing: Mapping[str, tuple[float, float]]
    longest: float
    base_scores: Mapping[str, Score] | None
    kept: Score | None
    one_letter: tuple[str, float] | None
    ties: int
    findings: Sequence[str]
    open: Sequence[str]
    rows: Mapping[str, WmdpRow]


@dataclass(frozen=True, slots=True)
class WmdpRecord:
    """What was measured of which checkpoint, against which base, by part."""

    source: str
    checkpoint: str
    checkpoint_fingerprint: str
    dtype: str
    base: str | None
    base_fingerprint: str | None
    parts: Mapping[str, WmdpPartRecord]

    @property
    def open(self) -> list[str]:
        """Everything that is open, in all parts."""
        return [f"{name}: {line}" for name, part in self.parts.items() for line in part.open]

    def to_disk(self) -> dict[str, object]:
        """The record as a JSON object, its schema first."""
        return {"schema": WMDP_SCHEMA, **asdict(self)}

    def to_pandas(self) -> pd.DataFrame:
        """A row a score, three columns a part: low, high, and the base's low."""
        import pandas as pd

        columns = {}
        for name, part in self.parts.items():
            columns[f"{name}.low"] = {key: score.low for key, score in part.scores.items()}
            columns[f"{name}.high"] = {key: score.high for key, score in part.scores.items()}
            base = part.base_scores or {}
            columns[f"{name}.base"] = {key: score.low for key, score in base.items()}
        return pd.DataFrame(columns)


def write_wmdp(record: WmdpRecord, path: Path) -> None:
    """Write a record, whole or not at all. Raises `RunError` if the disk refuses."""
    clear_leftovers(path.parent, path.name)
    write_atomically(path, json.dumps(record.to_disk(), indent=1, ensure_ascii=False) + "\n")
