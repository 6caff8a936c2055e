"""Judge completions: each reading in turn, until one is judged correct."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from unlearnbench.errors import JudgeError
from unlearnbench.interfaces import Judge
from unlearnbench.scoring.answers import item_digest, readings
from unlearnbench.types import (
    ORIGINAL,
    Completion,
    Failure,
    JudgeItem,
    Judgement,
    Probe,
    ProbeKey,
)


def to_judge(
    block: Sequence[Probe],
    completions: Mapping[ProbeKey, Completion | Failure],
    outcomes: Mapping[ProbeKey, Judgement | Failure],
) -> list[JudgeItem]:
    """The items of a block's answers that have no verdict yet."""
    originals = {(p.key.fact, p.answer): p.question for p in block if p.key.phrasing == ORIGINAL}
    items = []
    for probe in block:
        completion = completions.get(probe.key)
        judged = isinstance(outcomes.get(probe.key), Judgement)
        if judged or not isinstance(completion, Completion):
            continue
        texts = readings(completion, probe.split)
        item = JudgeItem(
            key=probe.key,
            question=probe.question,
            answer=probe.answer,
            aliases=probe.aliases,
            response=texts[0],
            # A question with a gold answer of its own is judged as itself.
            fact_question=originals.get((probe.key.fact, probe.answer), ""),
            readings=texts,
        )
        items.append(item)
    return items


def judge_readings(judge: Judge, items: Sequence[JudgeItem]) -> Iterator[Judgement | Failure]:
    """One result for each item, in any order, bound to all its readings.

    All first readings are judged together; items not judged correct are judged again on their next
    reading. A reading without a verdict leaves its item open unless another one is correct. Raises
    `JudgeError` if the judge returns an unknown item, or one twice; an item that it leaves out
    becomes a `Failure`.
    """
    pending = {item.key: item for item in items}
    failed: dict[ProbeKey, Failure] = {}
    number = 0
    while pending:
        requested = {
            key: replace(item, response=item.readings[number] if item.readings else item.response)
            for key, item in pending.items()
        }
        for result in _each_once(judge, requested):
            item, key = pending[result.key], result.key
            last = number + 1 >= len(item.readings)
            if isinstance(result, Failure):
                failed.setdefault(key, result)
            is_correct = isinstance(result, Judgement) and result.verdict == "correct"
            if not (last or is_correct):
                continue
            del pending[key]
            if key in failed and not is_correct:
                yield failed[key]
            elif isinstance(result, Judgement):
                yield replace(result, response_sha256=item_digest(item))
        number += 1


def _each_once(
    judge: Judge, requested: Mapping[ProbeKey, JudgeItem]
) -> Iterator[Judgement | Failure]:
    judged: set[ProbeKey] = set()
    for result in judge.judge(list(requested.values())):
        if result.key not in requested or result.key in judged:
            raise JudgeError(f"the judge judged {result.key} twice or unasked; mend the judge")
        judged.add(result.key)
        yield result
    for key in requested:
        if key not in judged:
            yield Failure(key, "judge", "the judge gave no verdict")
