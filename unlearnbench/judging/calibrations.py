"""Stored calibrations of judges: `judges/results/*.json`, written by `calibrate --store`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unlearnbench.errors import JudgeError
from unlearnbench.paths import content_root
from unlearnbench.reading import read_object


@dataclass(frozen=True, slots=True)
class StoredResult:
    """One calibration: which judge (by identity) on which data, when, and what came out."""

    path: Path
    record: dict[str, Any]

    @property
    def identity(self) -> str:
        """Of the judge that was measured."""
        return str(self.record["identity"])

    def counts(self, name: str) -> tuple[int, int]:
        """(hits, n) of `sensitivity` or `specificity`."""
        n = int(self.record[f"{name}_n"])
        value = self.record[name]
        return (round(value * n) if value is not None else 0), n


def stored_results() -> list[StoredResult]:
    """Every stored calibration, by file name. Raises `JudgeError` for a damaged file."""
    found = []
    for path in sorted((content_root() / "judges" / "results").glob("*.json")):
        try:
            record = read_object(path)
            result = StoredResult(path, record)
            result.counts("sensitivity"), result.counts("specificity"), result.identity
        except (ValueError, KeyError, TypeError) as error:
            raise JudgeError(f"{path}: not a calibration ({error!r}); store it again") from error
        found.append(result)
    return found


def measured(identity: str) -> StoredResult | None:
    """The largest stored calibration of exactly this judge that it was not tuned on, or None."""
    same = [r for r in stored_results() if r.identity == identity and not r.record["tuned"]]
    return max(same, key=lambda r: int(r.record["n"]), default=None)


def markdown_table() -> str:
    """The table of `judges/README.md`."""
    lines = [
        "| judge | data | date | n | failed | accuracy | sensitivity | specificity | kappa |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for result in stored_results():
        r = result.record
        rates = " | ".join(_rate(r, name) for name in ("accuracy", "sensitivity", "specificity"))
        data = f"{r['data']}{' (tuned on)' if r['tuned'] else ''}"
        kappa = "–" if r["kappa"] is None else f"{r['kappa']:.2f}"
        head = f"| {r['judge']} | {data} | {r['date']} | {r['n']} | {r['n_failed']}"
        lines.append(f"{head} | {rates} | {kappa} |")
    return "\n".join(lines)


def _rate(record: dict[str, Any], name: str) -> str:
    value = record[name]
    if value is None:
        return "–"
    low, high = record[f"{name}_interval"]
    return f"{value * 100:.1f} % ({low * 100:.1f}–{high * 100:.1f})"
