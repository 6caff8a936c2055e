"""Run a plan: generate block by block, judge, commit; resume where a killed run stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from unlearnbench.errors import EngineError, JudgeError
from unlearnbench.hashing import sha256_text
from unlearnbench.interfaces import Generator, Judge
from unlearnbench.protocol.plan import Plan
from unlearnbench.protocol.render import extract_answer
from unlearnbench.runs.folder import RunFolder
from unlearnbench.runs.records import completion_record, outcome_record
from unlearnbench.types import (
    Completion,
    Failure,
    JudgeItem,
    Judgement,
    Probe,
    ProbeKey,
    Sampling,
)

Advance = Callable[[int], None]
"""Told how many probes were just done."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run: what is asked, who answers, who judges, where it is kept."""

    plan: Plan
    generator: Generator
    judge: Judge
    sampling: Sampling
    folder: RunFolder
    manifest: Mapping[str, Any]


def evaluate(job: Job, advance: Advance) -> None:
    """Bring the run to its end, or as near as failures allow.

    What was already answered and judged is kept. A block with a failed or missing answer is
    generated again as a whole, because the batch it ran in is part of what decides its texts; only
    the missing answers are taken from it. Raises what the engine, the judge or the disk raises;
    everything committed until then stays.
    """
    with job.folder.locked():
        job.folder.begin(job.plan.probes, job.manifest)
        completions = job.folder.read_completions()
        outcomes = job.folder.read_outcomes()
        for block in job.plan.blocks():
            open_keys = {p.key for p in block if not isinstance(completions.get(p.key), Completion)}
            advance(len(block) - len(open_keys))
            if open_keys:
                results = _generate(job, block, open_keys, advance)
                job.folder.completions.append(completion_record(r) for r in results.values())
                completions.update(results)
            _judge(job, block, completions, outcomes)


def _generate(
    job: Job, block: Sequence[Probe], wanted: set[ProbeKey], advance: Advance
) -> dict[ProbeKey, Completion | Failure]:
    """Answers for the wanted keys of a block, in plan order; a missing one becomes a failure."""
    results: dict[ProbeKey, Completion | Failure] = {}
    planned = {probe.key for probe in block}
    for result in job.generator.generate(block, job.sampling):
        if result.key not in planned or result.key in results:
            raise EngineError(
                f"the engine answered {result.key} twice or unasked; the block is void"
            )
        results[result.key] = result
        advance(result.key in wanted)
    return {
        p.key: results.get(p.key, Failure(p.key, "generate", "the engine gave no answer"))
        for p in block
        if p.key in wanted
    }


def _judge(
    job: Job,
    block: Sequence[Probe],
    completions: Mapping[ProbeKey, Completion | Failure],
    outcomes: dict[ProbeKey, Judgement | Failure],
) -> None:
    """Judge every answer of the block that has no verdict yet, and commit the verdicts."""
    items = {}
    for probe in block:
        completion = completions.get(probe.key)
        if isinstance(completion, Completion) and not isinstance(
            outcomes.get(probe.key), Judgement
        ):
            answer = extract_answer(completion.text)
            items[probe.key] = JudgeItem(
                probe.key, probe.question, probe.answer, probe.aliases, answer
            )
    results: dict[ProbeKey, Judgement | Failure] = {}
    for result in job.judge.judge(list(items.values())):
        if result.key not in items or result.key in results:
            raise JudgeError(
                f"the judge judged {result.key} twice or unasked; its verdicts are void"
            )
        if isinstance(result, Judgement):
            sha = sha256_text(items[result.key].response)
            result = replace(result, response_sha256=sha)
        results[result.key] = result
    for key in items:
        results.setdefault(key, Failure(key, "judge", "the judge gave no verdict"))
    job.folder.outcomes.append(outcome_record(results[key]) for key in items)
    outcomes.update(results)
