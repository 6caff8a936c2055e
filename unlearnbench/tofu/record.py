"""A checkpoint's TOFU metrics as a file, which another checkpoint's can be compared with."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnbench.benchmark.tofu import TofuSets
from unlearnbench.errors import BenchmarkError, RunError, UnreadableError
from unlearnbench.files.disk import clear_leftovers, write_atomically
from unlearnbench.files.reading import read_object
from unlearnbench.tofu.eval_log import check_definitions, is_eval_log, read_eval_log, usable_aucs
from unlearnbench.tofu.measure import RetainLog
from unlearnbench.types.options import TofuOptions

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = "unlearnbench-tofu/3"
SECOND = "unlearnbench-tofu/2"
"""Before it said what it was compared with."""
FIRST = "unlearnbench-tofu/1"
"""Before answers could count their end: such a record says nothing of its definitions."""
_SAID_BEFORE = TofuOptions(end_token=False)


@dataclass(frozen=True, slots=True)
class TofuRecord:
    """What was measured of which checkpoint on which data.

    `scores` are None where an answer or the retain log is missing. `truth_ratios` (forget questions
    by key) and `aucs` (membership attacks) are what a later call needs as its retain log. `open`
    names the questions that got no answer. `definitions` are the options that it was measured by,
    `notes` what a reader should know.
    """

    source: str
    forget: str
    data_fingerprint: str
    checkpoint: str
    checkpoint_fingerprint: str
    dtype: str
    scores: dict[str, float | None]
    truth_ratios: dict[str, float]
    aucs: dict[str, float]
    open: list[str]
    definitions: dict[str, bool | str]
    notes: list[str]

    def to_disk(self) -> dict[str, object]:
        """The record as a JSON object, its schema first."""
        return {"schema": SCHEMA, **asdict(self)}

    def to_pandas(self) -> pd.DataFrame:
        """A row a metric."""
        import pandas as pd

        return pd.DataFrame(list(self.scores.items()), columns=["metric", "value"])


def write_tofu(record: TofuRecord, path: Path) -> None:
    """Write a record, whole or not at all. Raises `RunError` if the disk refuses."""
    clear_leftovers(path.parent, path.name)
    write_atomically(path, json.dumps(record.to_disk(), indent=2) + "\n")


def read_retain_log(path: Path, sets: TofuSets, options: TofuOptions) -> RetainLog:
    """The record of a retain model, or OpenUnlearning's log of one: same data, same definitions.

    Raises `RunError` for what is no such record, `BenchmarkError` for one of other data or
    definitions.
    """
    try:
        stored = read_object(path, lenient=True)
    except UnreadableError as error:
        raise RunError(f"--retain-log {error}; make it with --out") from error
    if "schema" not in stored and is_eval_log(stored):
        check_definitions("--retain-log", options, strength=False)
        return read_eval_log(stored, sets, path)
    if stored.get("schema") == FIRST:
        stored = {**stored, "schema": SECOND, "definitions": asdict(_SAID_BEFORE)}
    if stored.get("schema") == SECOND:
        stored = {**stored, "schema": SCHEMA, "notes": []}
    missing = [f.name for f in fields(TofuRecord) if f.name not in stored]
    if missing or "schema" not in stored:
        what = f"{(missing or ['schema'])[0]} is missing"
        raise RunError(f"--retain-log {path}: not a result of this command ({what})")
    if stored["schema"] != SCHEMA or stored["data_fingerprint"] != sets.fingerprint:
        raise BenchmarkError(
            "other-data", f"--retain-log {path}", "it was measured on other data or another version"
        )
    _check_definitions(stored["definitions"], options, path)
    ratios, aucs = _rates(stored, "truth_ratios", path), _rates(stored, "aucs", path)
    usable, lost = usable_aucs(aucs, path)
    note = f"the retain log is of {str(stored['checkpoint'])[:100]}{lost}"
    return RetainLog(ratios, usable, note, str(stored["checkpoint_fingerprint"]))


def _check_definitions(stored: object, options: TofuOptions, path: Path) -> None:
    """Truth ratios and attacks compare only with those of the same definition."""
    for name in ("end_token", "truth_ratio"):
        then = stored.get(name) if isinstance(stored, dict) else None
        now = getattr(options, name)
        if then != now:
            what = f"it was measured with {name} = {then}, this is {now}; measure it again"
            raise BenchmarkError("other-definition", f"--retain-log {path}", what)


def _rates(stored: dict[str, object], name: str, path: Path) -> dict[str, float]:
    rates = stored[name]
    if isinstance(rates, dict) and all(
        isinstance(rate, float | int) and rate >= 0 for rate in rates.values()
    ):
        return {str(key): float(rate) for key, rate in rates.items()}
    raise RunError(
        f"--retain-log {path}: {name} holds something other than numbers from 0 up; make it with "
        "--out"
    )
