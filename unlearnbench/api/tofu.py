"""TOFU's metrics from Python: load, measure, write, and read back as a retain model's log."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from unlearnbench.benchmark.tofu import load_tofu
from unlearnbench.disk import write_atomically
from unlearnbench.environment import extra
from unlearnbench.errors import BenchmarkError, RunError, UnreadableError
from unlearnbench.options import EngineOptions
from unlearnbench.reading import read_object
from unlearnbench.tofu.measure import RetainLog, measure

SCHEMA = "unlearnbench-tofu/1"


def score_tofu(
    checkpoint: str,
    source: str = "tofu-mini",
    forget: str | None = None,
    *,
    retain_log: str | Path | None = None,
    engine_options: EngineOptions = EngineOptions(),
) -> dict[str, Any]:
    """Measure a checkpoint; the record can be given as `retain_log` to a later call.

    `scores` are None where an answer or the retain log is missing. Raises `UnlearnbenchError` for
    whatever the caller can mend.
    """
    from unlearnbench.engines.transformers.engine import TransformersEngine
    from unlearnbench.engines.transformers.likelihood import likelihoods

    forget = forget or ("forget25" if source == "tofu-mini" else "forget10")
    for needed in ("rouge_score.rouge_scorer", "sklearn.metrics"):
        extra(needed, "tofu")
    sets = load_tofu(source, forget)
    log = _read_log(Path(retain_log), sets.fingerprint) if retain_log is not None else None
    engine = TransformersEngine(checkpoint, engine_options)
    result = measure(sets, engine, partial(likelihoods, engine), log)
    return {
        "schema": SCHEMA,
        "source": source,
        "forget": forget,
        "data_fingerprint": sets.fingerprint,
        "checkpoint": engine.info.checkpoint,
        "checkpoint_fingerprint": engine.info.fingerprint,
        "dtype": engine.info.settings["dtype"],
        "scores": dict(result.scores),
        "truth_ratios": dict(result.ratios),
        "aucs": dict(result.aucs),
        "open": list(result.open),
    }


def write_result(record: dict[str, Any], path: Path) -> None:
    """Write a result file, whole or not at all."""
    write_atomically(path, json.dumps(record, indent=2) + "\n")


def _read_log(path: Path, fingerprint: str) -> RetainLog:
    try:
        record = read_object(path, own=True)
        log = RetainLog(record["truth_ratios"], record["aucs"])
        schema, data = record["schema"], record["data_fingerprint"]
    except UnreadableError as error:
        raise RunError(f"--retain-log {error}; make it with --out") from error
    except (KeyError, TypeError) as error:
        raise RunError(f"--retain-log {path}: not a result of this command ({error!r})") from error
    if schema != SCHEMA or data != fingerprint:
        raise BenchmarkError(
            "other-data", f"--retain-log {path}", "it was measured on other data or another version"
        )
    return log
