"""Stored calibrations of judges: `judges/results/*.json`, written by `calibrate --store`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import ConfigDict, ValidationError

from unlearnbench.errors import JudgeError, UnreadableError
from unlearnbench.files.reading import read_object
from unlearnbench.paths import content_root
from unlearnbench.runs.schema.base import Bool, Count, Float, Part, Share, fault


class CalibrationRecord(Part):
    """A calibration without its items, categories and misses.

    A rate is None where no item had its label; its interval is then the whole.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    judge: str
    identity: str
    data: str
    date: str
    tuned: Bool
    n: Count
    n_failed: Count
    accuracy: Share | None
    accuracy_interval: tuple[Share, Share]
    sensitivity: Share | None
    sensitivity_interval: tuple[Share, Share]
    sensitivity_n: Count
    specificity: Share | None
    specificity_interval: tuple[Share, Share]
    specificity_n: Count
    kappa: Float | None


@dataclass(frozen=True, slots=True)
class StoredResult:
    """One calibration: the judge (by identity), the data, the date and the results."""

    path: Path
    record: CalibrationRecord

    @property
    def identity(self) -> str:
        """Of the judge that was measured."""
        return self.record.identity

    @property
    def sensitivity(self) -> tuple[int, int]:
        """(items judged correct, all correct items)."""
        return _counts(self.record.sensitivity, self.record.sensitivity_n)

    @property
    def specificity(self) -> tuple[int, int]:
        """(items judged incorrect, all incorrect items)."""
        return _counts(self.record.specificity, self.record.specificity_n)


def _counts(rate: float | None, n: int) -> tuple[int, int]:
    return (0 if rate is None else round(rate * n)), n


def stored_results() -> list[StoredResult]:
    """Every stored calibration, by file name. Raises `JudgeError` for a damaged file."""
    return [
        StoredResult(path, _read(path))
        for path in sorted((content_root() / "judges" / "results").glob("*.json"))
    ]


def _read(path: Path) -> CalibrationRecord:
    try:
        return CalibrationRecord.model_validate(read_object(path))
    except UnreadableError as error:
        what, cause = error.what, ValueError(error)
    except ValidationError as error:
        what, cause = fault(error), error
    raise JudgeError(f"{path}: not a calibration ({what}); store it again") from cause


def measured(identity: str) -> StoredResult | None:
    """The largest stored calibration of exactly this judge that it was not tuned on, or None."""
    same = [r for r in stored_results() if r.identity == identity and not r.record.tuned]
    return max(same, key=lambda r: r.record.n, default=None)


def markdown_table() -> str:
    """The table of `judges/README.md`."""
    lines = [
        "| judge | data | date | n | failed | accuracy | sensitivity | specificity | kappa |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for result in stored_results():
        r = result.record
        rates = (
            _rate(r.accuracy, r.accuracy_interval),
            _rate(r.sensitivity, r.sensitivity_interval),
            _rate(r.specificity, r.specificity_interval),
        )
        data = f"{r.data}{' (tuned on)' if r.tuned else ''}"
        kappa = "–" if r.kappa is None else f"{r.kappa:.2f}"
        head = f"| {r.judge} | {data} | {r.date} | {r.n} | {r.n_failed}"
        lines.append(f"{head} | {' | '.join(rates)} | {kappa} |")
    return "\n".join(lines)


def _rate(value: float | None, interval: tuple[float, float]) -> str:
    if value is None:
        return "–"
    low, high = interval
    return f"{value * 100:.1f} % ({low * 100:.1f}–{high * 100:.1f})"
