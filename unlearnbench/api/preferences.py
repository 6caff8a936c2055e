"""Let a judge compare a checkpoint's answers with its base's."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from unlearnbench.benchmark.utility_sets import UtilitySets, load_utility_sets
from unlearnbench.errors import RunError
from unlearnbench.judging.preferences.calibrate import (
    PreferenceCalibration,
    calibrate_preference_judge,
    default_pairs,
    load_pairs,
)
from unlearnbench.judging.preferences.catalogue import (
    make_preference_judge,
    named_preference_judge,
)
from unlearnbench.judging.preferences.definition import load_preference_definition
from unlearnbench.judging.preferences.judge import stated
from unlearnbench.judging.preferences.prompt import AnswerPair
from unlearnbench.remote.providers.catalogue import make_provider
from unlearnbench.runs.schema.utility import (
    JudgedInstruction,
    Preferences,
    PreferenceVerdict,
    UtilityRecord,
)
from unlearnbench.utility.measure import NEW_TOKENS
from unlearnbench.utility.preferences import preference_metrics

if TYPE_CHECKING:
    from unlearnbench.judging.preferences.judge import PreferenceJudge
    from unlearnbench.types import Estimate, Usage

_log = logging.getLogger(__name__)

_NO_BASE = "--utility-judge: there is no base to compare with; measure with --base"
Asked = Mapping[str, AnswerPair | str]
"""By instruction: both answers, the model's first, or why they cannot be compared."""


def judge_preferences(
    record: UtilityRecord,
    judge: str,
    *,
    max_cost: float | None = None,
) -> UtilityRecord:
    """Compare the answers of a record with its base's, each pair in both orders.

    What a judge has said before is not asked again: neither what the record holds, nor what lies
    in the user's cache. A call that fails leaves its instruction open.

    Args:
        record: A checkpoint's utility, measured beside its base's.
        judge: `gemini`, `gemini-3`, `openai:MODEL`, `local:CHECKPOINT`, or a folder with
            `judge.toml` and `preference.md`.
        max_cost: US dollars that the judge may spend; the rest stays open.

    Returns:
        The record with the verdicts and the metrics that follow from them.

    Raises:
        RunError: The record has no base, so there is nothing to compare with.
        JudgeError: For an unknown judge, or one without model or key.
    """
    asked = _asked(record)
    made = make_preference_judge(judge, max_cost)
    _remember(made, record, asked)
    pairs = [row for row in asked.values() if isinstance(row, AnswerPair)]
    verdicts = dict(made.compare([side for row in pairs for side in (row, row.swapped)]))
    _log.info("judge %s: %s", made.name, _spent(made.usage))
    rows = {name: _row(row, verdicts) for name, row in asked.items()}
    preferences = Preferences(judge=made.name, identity=made.identity, rows=rows)
    return with_preferences(record, preferences)


def check_preference_judge(judge: str, base: str | None, keyless: bool = False) -> None:
    """Refuse, before anything is measured, what could not be judged afterwards.

    `keyless`: it is not going to be called. Raises `RunError` without a base, `JudgeError` for an
    unknown judge or one without a key.
    """
    if base is None:
        raise RunError(_NO_BASE)
    definition = load_preference_definition(judge)
    if definition.file.provider != "local" and not keyless:
        make_provider(definition.file)


def estimate_preferences(known: UtilityRecord | UtilitySets, judge: str) -> Estimate:
    """What `judge_preferences` would cost, at most; no call is made. Raises like it.

    `known` is a record, or what is going to be asked, each answer as long as can be.
    """
    made = named_preference_judge(judge)
    if isinstance(known, UtilitySets):
        texts = [row.instruction for row in known.instructions]
        texts += [text for others in known.instruction_sets for text in others.rows.values()]
        pairs = [AnswerPair(text, _filler("a"), _filler("b")) for text in texts]
    else:
        asked = _asked(known)
        _remember(made, known, asked)
        pairs = [row for row in asked.values() if isinstance(row, AnswerPair)]
    return made.estimate(side for row in pairs for side in (row, row.swapped))


def _filler(letter: str) -> str:
    """An answer as long as can be, at four characters a token."""
    return letter * 4 * NEW_TOKENS


def calibrate_preferences(
    judge: str, items: Sequence[str | Path] = (), *, max_cost: float | None = None
) -> PreferenceCalibration:
    """Measure a judge of preferences on labelled pairs, each shown in both orders.

    Args:
        judge: As for `judge_preferences`.
        items: JSONL tables of labelled pairs. Default: the one that ships.
        max_cost: US dollars that the judge may spend; what does not fit fails.

    Returns:
        How often it is right, overall and by category, and how far it leans to a position.

    Raises:
        JudgeError: For an unknown judge or a table that cannot be read.
    """
    paths = [Path(path) for path in items] or [default_pairs()]
    pairs = [pair for path in paths for pair in load_pairs(path)]
    return calibrate_preference_judge(make_preference_judge(judge, max_cost), pairs)


def with_stored_preferences(record: UtilityRecord, path: str | Path) -> UtilityRecord:
    """A record of the file `path` with the metrics of its preferences.

    Raises `RunError` for a verdict that does not follow from the reply stored with it.
    """
    stored = record.preferences
    if stored is None:
        return record
    asked = _asked(record)
    for name, row in stored.rows.items():
        if name not in asked or not _follows(asked[name], row):
            what = "a verdict does not follow from its reply; judge again from a result without it"
            raise RunError(f"{path}: preferences on {name[:60]}: {what}")
    return with_preferences(record, stored)


def _follows(asked: AnswerPair | str, row: JudgedInstruction) -> bool:
    """Whether both verdicts are open, or what the stored replies say on these very answers."""
    given = (row.model_first, row.base_first)
    if isinstance(asked, str):
        return all(verdict.verdict is None for verdict in given)
    return all(
        verdict.verdict is None or verdict.verdict == stated(side, verdict.reply)
        for side, verdict in zip((asked, asked.swapped), given, strict=True)
    )


def with_preferences(record: UtilityRecord, preferences: Preferences) -> UtilityRecord:
    """The record with a judge's preferences and their metrics."""
    if record.base is None:
        return record
    metrics = preference_metrics(preferences, record.model, record.base)
    others = {k: v for k, v in record.metrics.items() if "win_rate" not in k}
    update = {"preferences": preferences, "metrics": {**others, **metrics}}
    return record.model_copy(update=update)


def with_earlier_preferences(record: UtilityRecord, earlier: UtilityRecord | None) -> UtilityRecord:
    """The record with what a judge said of the same answers in the record that it replaces."""
    if earlier is None or earlier.preferences is None or not (record.base and earlier.base):
        return record
    sides = ((record.model, earlier.model), (record.base, earlier.base))
    same = all(dict(new.all_answers()) == dict(old.all_answers()) for new, old in sides)
    return with_preferences(record, earlier.preferences) if same else record


def _asked(record: UtilityRecord) -> Asked:
    if record.base is None:
        raise RunError(_NO_BASE)
    instructions = _texts(record)
    theirs = dict(record.base.all_answers())
    asked: dict[str, AnswerPair | str] = {}
    for name, answer in record.model.all_answers():
        beside = theirs.get(name)
        if answer.text is None:
            asked[name] = f"the model gave no answer: {answer.fault}"
        elif beside is None or beside.text is None:
            asked[name] = f"the base gave no answer: {beside.fault if beside else 'not asked'}"
        else:
            asked[name] = AnswerPair(instructions[name], answer.text, beside.text)
    return asked


def _texts(record: UtilityRecord) -> dict[str, str]:
    """The instructions of a record. Raises `RunError` if model and base had different ones."""
    texts = {row.id: row.instruction for row in load_utility_sets().instructions}
    for name, table in record.model.instructions.items():
        beside = record.base.instructions.get(name) if record.base else None
        if beside is None or beside.instructions != table.instructions:
            raise RunError(f"--utility-judge: the base was not asked the instructions of {name}")
        if set(table.answers) != set(table.instructions):
            raise RunError(f"{name}: its answers are to other instructions; measure it again")
        texts |= {f"{name}/{row}": text for row, text in table.instructions.items()}
    return texts


def _remember(judge: PreferenceJudge, record: UtilityRecord, asked: Asked) -> None:
    """Hand the judge its own replies of the record."""
    stored = record.preferences
    if stored is None or stored.identity != judge.identity:
        return
    judge.remember(dict(_replies(stored, asked)))


def _replies(stored: Preferences, asked: Asked) -> Iterator[tuple[AnswerPair, str]]:
    for name, comparison in asked.items():
        row = stored.rows.get(name)
        if row is not None and isinstance(comparison, AnswerPair):
            for side, verdict in (
                (comparison, row.model_first),
                (comparison.swapped, row.base_first),
            ):
                if verdict.reply:
                    yield side, verdict.reply


def _spent(usage: Usage) -> str:
    price = "price not known" if usage.dollars is None else f"{usage.dollars:.4f} US dollars"
    tokens = f"{usage.input_tokens} tokens in, {usage.output_tokens} out"
    return f"{usage.calls} replies, {tokens}, {price}"


def _row(
    asked: AnswerPair | str, verdicts: Mapping[AnswerPair, PreferenceVerdict]
) -> JudgedInstruction:
    if isinstance(asked, str):
        neither = PreferenceVerdict(verdict=None, fault=asked, reply="")
        return JudgedInstruction(model_first=neither, base_first=neither)
    return JudgedInstruction(model_first=verdicts[asked], base_first=verdicts[asked.swapped])
