"""TOFU's own metrics of a checkpoint."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path

from unlearnbench.api.measured import METRICS, check_measuring, measured_model
from unlearnbench.benchmark.tofu import load_tofu
from unlearnbench.files.disk import check_file_option
from unlearnbench.tofu.eval_log import check_definitions
from unlearnbench.tofu.eval_log_writing import write_eval_log
from unlearnbench.tofu.likelihood import chosen_mean
from unlearnbench.tofu.measure import RetainLog, measure
from unlearnbench.tofu.record import TofuRecord, read_retain_log, write_tofu
from unlearnbench.types.options import EngineOptions, TofuOptions


def score_tofu(
    checkpoint: str,
    source: str = "tofu-mini",
    forget: str | None = None,
    *,
    retain_log: str | Path | None = None,
    eval_log: str | Path | None = None,
    out: str | Path | None = None,
    tofu_options: TofuOptions = TofuOptions(),
    engine_options: EngineOptions = EngineOptions(),
) -> TofuRecord:
    """Measure TOFU's own metrics: probability, ROUGE, truth ratio, utility, forget quality.

    Args:
        checkpoint: Hub id, local folder, PEFT adapter folder, `.gguf` file, or alias.
        source: `tofu-mini`, `hub`, or a folder with TOFU's tables.
        forget: The forget split. Default: `forget25` of `tofu-mini`, else `forget10`.
        retain_log: Result file of a model that never saw the forget set: this function's record,
            or OpenUnlearning's `TOFU_EVAL.json`.
        eval_log: Where to write the result in the shape of `TOFU_EVAL.json`, row by row.
        out: Where the result is written as JSON. Responses are kept beside it until then, so that
            the same call, if it was cut off, goes on.
        tofu_options: Which definitions are computed.
        engine_options: How the checkpoint is run.

    Returns:
        The metrics; None where an answer or the retain log is missing.

    Raises:
        UnlearnbenchError: For every error that the caller can correct.
    """
    from unlearnbench.engines.transformers.likelihood import likelihoods

    place = check_measuring(engine_options, "tofu", None if out is None else Path(out), *METRICS)
    chosen_mean(tofu_options.truth_ratio)
    if eval_log is not None:
        check_definitions("--eval-log", tofu_options, strength=True)
        check_file_option("--eval-log", Path(eval_log))
    forget = forget or ("forget25" if source == "tofu-mini" else "forget10")
    sets = load_tofu(source, forget)
    log = None
    if retain_log is not None:
        log = read_retain_log(Path(retain_log), sets, tofu_options)
    with measured_model(checkpoint, engine_options, place) as model:
        scorer = partial(likelihoods, model.engine, end_token=tofu_options.end_token)
        result = measure(sets, model.generator, scorer, log, tofu_options)
        notes = _notes(log, model.fingerprint)
        if eval_log is not None and not result.open:
            write_eval_log(result, Path(eval_log))
        elif eval_log is not None:
            notes.append(f"{eval_log} was not written: its shape has no place for an open question")
        record = TofuRecord(
            source=source,
            forget=forget,
            data_fingerprint=sets.fingerprint,
            checkpoint=model.name,
            checkpoint_fingerprint=model.fingerprint,
            dtype=model.dtype,
            scores=dict(result.scores),
            truth_ratios=dict(result.ratios),
            aucs=dict(result.aucs),
            open=list(result.open),
            definitions=asdict(tofu_options),
            notes=notes,
        )
        if place is not None:
            write_tofu(record, place)
    return record


def _notes(log: RetainLog | None, fingerprint: str) -> list[str]:
    """What a reader should know of the retain log."""
    if log is None:
        return []
    if log.checkpoint != fingerprint:
        return [log.note]
    own = "it is of this very checkpoint: forget_quality is 1 and privleak 0, whatever it knows"
    return [log.note, own]
