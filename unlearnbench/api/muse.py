"""MUSE's own metrics of checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnbench.benchmark.muse import MuseSets, chosen_corpus, load_muse
from unlearnbench.environment import extra
from unlearnbench.muse.definitions import MuseDefinitions, muse_definitions
from unlearnbench.muse.measure import measure_muse
from unlearnbench.muse.record import MuseRecord, RetrainedModel, read_retrained
from unlearnbench.protocol.prompting import check_by_protocol
from unlearnbench.types.options import EngineOptions

if TYPE_CHECKING:
    from unlearnbench.engines.transformers.engine import TransformersEngine


def score_muse(
    checkpoints: Sequence[str],
    corpus: str,
    source: str = "hub",
    *,
    like: str = "muse",
    retain_log: str | Path | None = None,
    engine_options: EngineOptions = EngineOptions(),
) -> list[MuseRecord]:
    """Measure MUSE's own metrics: verbatim memory, knowledge memory, privacy leakage.

    Args:
        checkpoints: Hub ids, folders, adapters, `.gguf` files or aliases. Several are a series:
            models unlearnt on more and more texts (`scal`), or one after the other (`sust`).
        corpus: `news` or `books`.
        source: `hub`, or a folder with MUSE's tables.
        like: By whose definitions: `muse` or `open-unlearning`.
        retain_log: Result of a model that never saw the forget texts.
        engine_options: How the checkpoints are run.

    Returns:
        The metrics of each checkpoint, in percent; None where a response is missing.

    Raises:
        UnlearnbenchError: For every error that the caller can correct.
    """
    from unlearnbench.engines.transformers.engine import TransformersEngine

    check_by_protocol(engine_options, "muse")
    definitions = muse_definitions(like)
    chosen = chosen_corpus(corpus)
    for module in ("rouge_score.rouge_scorer", "sklearn.metrics"):
        extra(module, "tofu")
    sets = load_muse(source, chosen)
    retrained = None
    if retain_log is not None:
        retrained = read_retrained(Path(retain_log), sets.fingerprint, like)
    records = []
    for checkpoint in checkpoints:
        # Its engine goes away before the next one is loaded.
        engine = TransformersEngine(checkpoint, engine_options)
        records.append(_record(engine, sets, definitions, retrained, source))
        del engine
    return records


def _record(
    engine: TransformersEngine,
    sets: MuseSets,
    definitions: MuseDefinitions,
    retrained: RetrainedModel | None,
    source: str,
) -> MuseRecord:
    """What is measured of one checkpoint."""
    from unlearnbench.engines.transformers.encoding import first_tokens
    from unlearnbench.engines.transformers.likelihood import text_likelihoods

    scorer, cut = partial(text_likelihoods, engine), partial(first_tokens, engine.tokenizer)
    auc = None if retrained is None else retrained.auc
    result = measure_muse(sets, engine, scorer, cut, definitions, auc)
    info = engine.info
    return MuseRecord(
        source=source,
        corpus=sets.corpus,
        like=definitions.name,
        data_fingerprint=sets.fingerprint,
        checkpoint=info.checkpoint,
        checkpoint_fingerprint=info.fingerprint,
        dtype=str(info.settings["dtype"]),
        scores=result.scores,
        auc=result.auc,
        compared_with=_compared_with(retrained, definitions, info.fingerprint),
        empty=result.empty,
        open=list(result.open),
    )


def _compared_with(
    retrained: RetrainedModel | None, definitions: MuseDefinitions, fingerprint: str
) -> str:
    """Whose AUC stands for a retrained model's."""
    if retrained is not None and retrained.fingerprint == fingerprint:
        return f"{retrained.checkpoint}, this very checkpoint: privleak is 0, whatever it knows"
    if retrained is not None:
        return retrained.checkpoint
    if definitions.name == "muse":
        return "the retrained model of MUSE's authors (7B), which is no measure for other models"
    return "an AUC of 0.5, which no model was measured to have"
