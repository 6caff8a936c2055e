"""TOFU's own metrics of a checkpoint."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path

from unlearnbench.benchmark.tofu import load_tofu
from unlearnbench.environment import extra
from unlearnbench.protocol.prompting import check_by_protocol
from unlearnbench.tofu.eval_log import check_definitions
from unlearnbench.tofu.eval_log_writing import write_eval_log
from unlearnbench.tofu.likelihood import chosen_mean
from unlearnbench.tofu.measure import measure
from unlearnbench.tofu.record import TofuRecord, read_retain_log
from unlearnbench.types.options import EngineOptions, TofuOptions


def score_tofu(
    checkpoint: str,
    source: str = "tofu-mini",
    forget: str | None = None,
    *,
    retain_log: str | Path | None = None,
    eval_log: str | Path | None = None,
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
        tofu_options: Which definitions are computed.
        engine_options: How the checkpoint is run.

    Returns:
        The metrics; None where an answer or the retain log is missing.

    Raises:
        UnlearnbenchError: For every error that the caller can correct.
    """
    from unlearnbench.engines.transformers.engine import TransformersEngine
    from unlearnbench.engines.transformers.likelihood import likelihoods

    check_by_protocol(engine_options, "tofu")
    chosen_mean(tofu_options.truth_ratio)
    if eval_log is not None:
        check_definitions("--eval-log", tofu_options, strength=True)
    forget = forget or ("forget25" if source == "tofu-mini" else "forget10")
    for module in ("rouge_score.rouge_scorer", "sklearn.metrics"):
        extra(module, "tofu")
    sets = load_tofu(source, forget)
    log = None
    if retain_log is not None:
        log = read_retain_log(Path(retain_log), sets, tofu_options)
    engine = TransformersEngine(checkpoint, engine_options)
    scorer = partial(likelihoods, engine, end_token=tofu_options.end_token)
    result = measure(sets, engine, scorer, log, tofu_options)
    notes = [] if log is None else [log.note]
    if log is not None and log.checkpoint == engine.info.fingerprint:
        notes.append(
            "it is of this very checkpoint: forget_quality is 1 and privleak 0, whatever it knows"
        )
    if eval_log is not None and not result.open:
        write_eval_log(result, Path(eval_log))
    elif eval_log is not None:
        notes.append(f"{eval_log} was not written: its shape has no place for an open question")
    return TofuRecord(
        source=source,
        forget=forget,
        data_fingerprint=sets.fingerprint,
        checkpoint=engine.info.checkpoint,
        checkpoint_fingerprint=engine.info.fingerprint,
        dtype=str(engine.info.settings["dtype"]),
        scores=dict(result.scores),
        truth_ratios=dict(result.ratios),
        aucs=dict(result.aucs),
        open=list(result.open),
        definitions=asdict(tofu_options),
        notes=notes,
    )
