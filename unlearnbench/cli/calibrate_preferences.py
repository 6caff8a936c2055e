"""`unlearnbench calibrate --preferences`."""

from __future__ import annotations

import json as json_module
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnbench.cli.output import stdout, strong, table

if TYPE_CHECKING:
    from unlearnbench.judging.preferences.calibrate import PairAgreement, PreferenceCalibration


def calibrate_for_preferences(
    judge: str,
    items: Sequence[Path],
    store: Path | None,
    tuned: bool,
    max_cost: float | None,
    json: bool,
) -> int:
    """Measure a judge of preferences, and keep the result for `utility`."""
    from unlearnbench.api.preferences import calibrate_preferences
    from unlearnbench.judging.preferences.calibrate import calibration_of, default_pairs
    from unlearnbench.runs import preference_calibrations as kept

    paths = items or [default_pairs()]
    result = calibrate_preferences(judge, paths, max_cost=max_cost)
    names = ", ".join(path.stem for path in paths)
    record = calibration_of(result, names, tuned)
    if store is not None:
        kept.store_preference_calibration(record, store)
    if not result.overall.n_failed:
        remembered = kept.remembered_at(record)
        kept.store_preference_calibration(record, remembered)
    if json:
        print(json_module.dumps(record.model_dump(mode="json"), indent=2, ensure_ascii=False))
    else:
        _print_preferences(result, names)
        stdout().print(strong(f"{record.judge}: ", record.summary), soft_wrap=True)
    return 1 if result.overall.n_failed else 0


def _print_preferences(result: PreferenceCalibration, names: str) -> None:
    console = stdout()
    headings = ("category", "pairs", "failed", "right in both orders")
    view = table(f"judge of preferences {result.judge} on {names}", *headings)
    for name, row in (*result.categories.items(), ("all", result.overall)):
        cells = (str(row.n), str(row.n_failed), _share_text(row))
        view.add_row(name, *cells, style="bold" if name == "all" else "")
    console.print(view)
    if result.failures:
        failed = f"The judge failed on {result.overall.n_failed} pairs"
        console.print(strong(failed, f"; the first: {result.failures[0]}"), soft_wrap=True)
    for pair, one, two in result.misses:
        console.print(
            f"should be {pair.preferred}: {pair.instruction!r}: {one}, in the other order {two}",
            soft_wrap=True,
        )


def _share_text(row: PairAgreement) -> str:
    if not row.n:
        return "–"
    ends = row.interval
    return f"{100 * row.right / row.n:.1f} % ({100 * ends.low:.1f}–{100 * ends.high:.1f})"
