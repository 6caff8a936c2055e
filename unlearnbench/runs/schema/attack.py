"""What stress and relearning records share.

Version 2 of both says when an attack was begun and finished; version 1 did not. Version 3 of stress
records says what was left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field

from unlearnbench.errors import RunError
from unlearnbench.runs.schema.base import Convert, Count, Record, Status, Time
from unlearnbench.runs.schema.training import TrainingSummary


def _from_1(data: dict[str, object]) -> dict[str, object]:
    """Version 1 did not say when: the times of its file are not the attack's."""
    return {**data, "created": None, "finished": None}


class AttackRecord(Record):
    """An attack's record.

    `checkpoint` and `base` are names. `created` and `finished` are None where version 1 did not
    say; `finished` while the attack is not. `n_open` counts what had no verdict at its end.
    """

    VERSION: ClassVar[int] = 2
    OLDER: ClassVar[Mapping[int, Convert]] = {1: _from_1}
    KIND: ClassVar[str]
    CALLED: ClassVar[str]

    status: Status
    checkpoint: str
    base: str | None
    versions: dict[str, str | None] = Field(default_factory=dict)
    training: TrainingSummary | None = None
    created: Time | None = None
    finished: Time | None = None
    n_open: Count = 0

    @classmethod
    def from_disk(cls, data: Mapping[str, object], where: Path) -> Self:
        """See `Record.from_disk`; also refuses another kind of record."""
        if data.get("kind") != cls.KIND:
            raise RunError(f"{where}: not a record of {cls.CALLED}")
        return super().from_disk(data, where)

    @property
    def date(self) -> str | None:
        """The day on which the attack was finished or, while it is not, begun; None: not known."""
        when = self.finished or self.created
        return when[:10] if when else None
