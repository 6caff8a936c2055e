"""Stored calibrations of judges of preferences: those that ship, and this user's.

`calibrate --preferences` keeps each in the user's cache; `judges/preferences/` holds those that
ship.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ConfigDict, ValidationError

from unlearnbench.errors import JudgeError, UnreadableError
from unlearnbench.files.disk import clear_leftovers, write_atomically, writing
from unlearnbench.files.reading import read_object
from unlearnbench.paths import cache_root, content_root
from unlearnbench.runs.schema.base import Bool, Count, Float, Part, fault
from unlearnbench.scoring.intervals import wilson

CHANCE_OF_THREE = 1 / 3


class PreferenceCalibrationRecord(Part):
    """A calibration without its pairs. `position_bias` is None where no verdict was given."""

    model_config = ConfigDict(allow_inf_nan=False)

    judge: str
    identity: str
    data: str
    date: str
    tuned: Bool
    n: Count
    n_failed: Count
    right: Count
    position_bias: Float | None

    @property
    def fit(self) -> bool:
        """Whether it was right more often than chance, on pairs that it was not tuned on."""
        return not self.tuned and wilson(self.right, self.n).low > CHANCE_OF_THREE

    @property
    def summary(self) -> str:
        """One line: agreement with its interval, and the lean towards a position."""
        if not self.n:
            return "unfit: it gave no verdict on labelled pairs"
        ends = wilson(self.right, self.n)
        share = f"{100 * self.right / self.n:.1f} % ({100 * ends.low:.1f}–{100 * ends.high:.1f})"
        bias = (
            f", position bias {self.position_bias:+.2f}" if self.position_bias is not None else ""
        )
        state = "calibrated" if self.fit else "tuned on the pairs" if self.tuned else "unfit"
        return f"{state}: right in both orders on {share} of {self.n} labelled pairs{bias}"


def store_preference_calibration(record: PreferenceCalibrationRecord, path: Path) -> None:
    """Write a calibration, whole or not at all. Raises `RunError` if the disk refuses."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    clear_leftovers(path.parent, path.name)
    write_atomically(path, json.dumps(record.model_dump(mode="json"), indent=2) + "\n")


def remembered_at(record: PreferenceCalibrationRecord) -> Path:
    """Where this user's calibration of a judge on a table is kept."""
    return _of_user() / f"{record.identity[:16]}-{record.data[:60]}.json"


def measured_on(identity: str) -> PreferenceCalibrationRecord | None:
    """The largest stored calibration of exactly this judge; one that it was tuned on comes last.

    Raises `JudgeError` for a damaged file.
    """
    same = [record for record in _stored() if record.identity == identity]
    return max(same, key=lambda record: (not record.tuned, record.n), default=None)


def trust_mark(metric: str, identity: str | None) -> str:
    """What stands beside the name of a figure that rests on the judge `identity`.

    Empty for a judge that is calibrated and fit, and for a metric that needs no judge.
    """
    if "win_rate" not in metric or identity is None:
        return ""
    calibration = measured_on(identity)
    if calibration is None:
        return " (uncalibrated)"
    return "" if calibration.fit else " (unfit judge)"


def calibrated_judges() -> list[str]:
    """Names of the judges of which a calibration is stored that shows them fit."""
    return sorted({record.judge for record in _stored() if record.fit})


def _of_user() -> Path:
    return cache_root() / "preference-calibrations"


def _stored() -> list[PreferenceCalibrationRecord]:
    folders = (content_root() / "judges" / "preferences", _of_user())
    return [_read(path) for folder in folders for path in sorted(folder.glob("*.json"))]


def _read(path: Path) -> PreferenceCalibrationRecord:
    try:
        return PreferenceCalibrationRecord.model_validate(read_object(path))
    except UnreadableError as error:
        what, cause = error.what, ValueError(error)
    except ValidationError as error:
        what, cause = fault(error), error
    raise JudgeError(f"{path}: not a calibration ({what}); remove it, or store it again") from cause
