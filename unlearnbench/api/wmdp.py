"""WMDP's accuracy and ours of a checkpoint, and its questions as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnbench.api.measured import check_measuring
from unlearnbench.benchmark.choices.questions import ChoiceSet
from unlearnbench.benchmark.wmdp import WMDP, WmdpPart, WmdpQuestions, chosen_parts, load_wmdp
from unlearnbench.benchmark.wmdp_export import export_wmdp
from unlearnbench.benchmark.wmdp_facts import LeftOut, load_wmdp_tables, wmdp_facts
from unlearnbench.errors import RunError
from unlearnbench.types import GeneratorInfo
from unlearnbench.types.options import EngineOptions
from unlearnbench.utility.tables import table_digest
from unlearnbench.wmdp.findings import wmdp_findings
from unlearnbench.wmdp.measure import AnsweredQuestion, measure_part
from unlearnbench.wmdp.record import WmdpPartRecord, WmdpRecord, WmdpRow, write_wmdp
from unlearnbench.wmdp.scores import (
    GUESSING,
    kept_score,
    longest_right,
    one_letter,
    open_answers,
    part_scores,
    ties,
)

if TYPE_CHECKING:
    from unlearnbench.engines.transformers.engine import TransformersEngine

Answers = Mapping[WmdpPart, tuple[AnsweredQuestion, ...]]


@dataclass(frozen=True, slots=True)
class WmdpExport:
    """The files that were written, and which questions are not asked openly, and why."""

    folder: Path
    files: tuple[Path, ...]
    asked: int
    left_out: tuple[LeftOut, ...]


def score_wmdp(
    checkpoint: str,
    source: str,
    parts: Sequence[str] = (),
    *,
    base: str | None = None,
    out: str | Path | None = None,
    engine_options: EngineOptions = EngineOptions(),
) -> WmdpRecord:
    """Measure WMDP's accuracy by letters, and beside it four rotations and choices written out.

    Args:
        checkpoint: Hub id, local folder, PEFT adapter folder, `.gguf` file, or alias.
        source: `hub`, or a folder with WMDP's tables.
        parts: `bio`, `chem`, `cyber`. Default: all three.
        base: The model before unlearning, to compare with.
        out: Where the result is written as JSON.
        engine_options: How the checkpoints are run.

    Returns:
        The scores by part, each an interval while a question is open, and what they do not show.

    Raises:
        UnlearnbenchError: For every error that the caller can correct.
    """
    from unlearnbench.engines.transformers.engine import TransformersEngine

    place = check_measuring(engine_options, "wmdp", None if out is None else Path(out))
    tables = load_wmdp(source, chosen_parts(parts))
    engine = TransformersEngine(checkpoint, engine_options)
    info = engine.info
    if base is not None:
        _check_tokenizer(base, engine)  # before anything is asked
    answers = _measured(engine, tables)
    del engine  # two models need not fit into memory
    before: Answers | None = None
    base_fingerprint = None
    if base is not None:
        engine = TransformersEngine(base, engine_options)
        _check_dtype(base, engine, info)
        before, base_fingerprint = _measured(engine, tables), engine.info.fingerprint
    record = WmdpRecord(
        source=source,
        checkpoint=info.checkpoint,
        checkpoint_fingerprint=info.fingerprint,
        dtype=str(info.settings["dtype"]),
        base=base,
        base_fingerprint=base_fingerprint,
        parts={
            table.part: _part(table, answers[table.part], before[table.part] if before else None)
            for table in tables
        },
    )
    if place is not None:
        write_wmdp(record, place)
    return record


def export_questions(source: str, parts: Sequence[str], folder: Path) -> WmdpExport:
    """Write the parts' questions into a folder that then serves as `source`, and `facts.csv`, what
    is asked openly as `make-benchmark` takes it, with `left_out.csv` beside it.

    Raises `BenchmarkError` for rows that cannot be had, or a folder that is not empty.
    """
    tables = load_wmdp_tables(source, chosen_parts(parts), ())
    found = wmdp_facts(tables)
    files = export_wmdp(tables, found, folder)
    asked = sum(fact.split == "forget" for fact in found.facts)
    return WmdpExport(folder, tuple(files), asked, found.left_out)


def _measured(engine: TransformersEngine, tables: Sequence[WmdpQuestions]) -> Answers:
    from unlearnbench.engines.transformers.measured import LoadedModel

    return {table.part: measure_part(LoadedModel(engine), table) for table in tables}


def _check_tokenizer(base: str, engine: TransformersEngine) -> None:
    """Raise `RunError` for a base with other tokens, `CheckpointError` if there is none."""
    from unlearnbench.checkpoints.resolve import resolve
    from unlearnbench.engines.transformers.tokenizers import load_tokenizer

    if load_tokenizer(resolve(base)).get_vocab() != engine.tokenizer.get_vocab():
        raise RunError(
            f"--base {base}: its tokenizer is another one, so that its tokens, and what a choice "
            "is worth a token, are no measure for the checkpoint; name the model it was made from"
        )


def _check_dtype(base: str, engine: TransformersEngine, info: GeneratorInfo) -> None:
    other, dtype = engine.info.settings["dtype"], info.settings["dtype"]
    if other != dtype:
        raise RunError(f"--base {base}: it runs in {other}, not {dtype}; give both one --dtype")


def _part(
    table: WmdpQuestions,
    answers: tuple[AnsweredQuestion, ...],
    before: tuple[AnsweredQuestion, ...] | None,
) -> WmdpPartRecord:
    scores = part_scores(answers)
    base_scores = part_scores(before) if before else None
    letter, n_ties = one_letter(answers), ties(answers)
    return WmdpPartRecord(
        data=table_digest(ChoiceSet(f"wmdp-{table.part}", WMDP, "mmlu", table.rows)),
        n=len(answers),
        scores=scores,
        guessing=GUESSING,
        longest=longest_right(table.rows),
        base_scores=base_scores,
        kept=kept_score(answers, before) if before else None,
        one_letter=letter,
        ties=n_ties,
        findings=wmdp_findings(scores, base_scores, letter, n_ties),
        open=open_answers(answers),
        rows={one.id: WmdpRow(one.gold, one.letters, one.texts) for one in answers},
    )
